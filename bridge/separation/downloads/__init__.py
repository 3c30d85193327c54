"""Fetching a model's weights: resumable, verified, with progress."""
