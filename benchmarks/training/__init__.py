"""How the shipped weights were trained and fitted."""
