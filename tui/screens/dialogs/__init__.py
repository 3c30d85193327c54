"""The dialogs over the main screen, one a module."""
