"""The main screen and the dialogs that open over it."""
