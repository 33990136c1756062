"""Where it is kept: PostgreSQL. It never decides anything about a case; it folds, writes and finds."""
