"""Stories: returns told in dates. Reads and plays story files; never decides what a rule means."""
