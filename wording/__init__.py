"""What things are called: the one place that knows languages, dates and names."""
