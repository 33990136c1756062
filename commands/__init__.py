"""The commands of `homeward`, one file for each noun. Each imports what it needs when it is called."""
