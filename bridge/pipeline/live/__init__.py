"""Notes that are played while their job still works."""
