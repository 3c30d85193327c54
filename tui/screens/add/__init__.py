"""The form that adds songs, and its file browser."""
