"""Notes for the eye: as tables, and as a picture."""
