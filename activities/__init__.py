"""How it touches the world: what workflows ask for, done; and the way in for whoever asks a case."""
