"""From the audio of one stem to notes: basic-pitch's network for pitched stems, a hit detector for drums."""
