"""The lowest notes of a bass, and its keys: further readings that are joined to basic-pitch's posteriors."""
