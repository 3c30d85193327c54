"""The faults, grouped by kind: each a function that injects one, and at the end of each file their rows."""
