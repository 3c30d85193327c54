"""The adapter between Textual and the terminal: what is read from it, and what is sent to it."""
