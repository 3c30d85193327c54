"""The families of engines: which engines each has, where their weights lie, and how they load."""
