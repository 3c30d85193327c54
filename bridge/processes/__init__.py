"""Communication between the main process and its children: framed messages over pipes that nothing else writes to."""
