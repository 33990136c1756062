"""Who may ask: the HTTP door. It authorises, seals, sends and answers; it never decides a case."""
