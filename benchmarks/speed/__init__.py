"""How fast, how late, how much memory: the bridge beside its peers, in turns."""
