"""Taking a mix apart: the engine without weights, the Demucs models, and the registry that opens them by name."""
