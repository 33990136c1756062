"""What is true: the pure core of a case. Standard library only; no I/O, no clock, no randomness."""
