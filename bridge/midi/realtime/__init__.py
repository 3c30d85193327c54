"""Priority for the player's threads, as far as the system grants it."""
