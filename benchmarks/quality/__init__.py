"""How well: stems, notes, drums and tempo, scored against what is known to be true."""
