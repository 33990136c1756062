"""What an act does: checks in the order of stories.md 2.7, then events. One module per kind."""
