"""What the bridge works with: downloads of models, and the settings file."""
