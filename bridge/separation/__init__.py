"""Source separation: the draft engine, the neural models, and the registry that opens engines by name."""
