"""Downloads of a model's weights: resumable, verified, with progress."""
