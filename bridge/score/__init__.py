"""Notes for people and other programs to read: tables and a picture."""
