"""Models by name: the catalogue, the locations of their weights on this machine, and loading."""
