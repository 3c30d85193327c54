"""Models by name: which there are, where their weights lie on this machine, and how they are loaded."""
