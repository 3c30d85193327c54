"""The workplace and the dialogs that open over it."""
