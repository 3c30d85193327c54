"""How the screen calls its user: toasts, bell, the terminal's title, its progress, and desktop notifications."""
