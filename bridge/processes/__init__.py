"""How the main process and its two children talk: framed messages over pipes that nothing else writes to."""
