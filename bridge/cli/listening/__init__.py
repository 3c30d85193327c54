"""`sab hear`: what is played, the keys, and the line with the position."""
