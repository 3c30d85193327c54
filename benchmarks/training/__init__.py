"""Training and fitting of the shipped weights."""
