"""Notes of a stem while its audio grows."""
