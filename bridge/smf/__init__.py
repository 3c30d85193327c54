"""Standard MIDI files: writing notes beside the stems, and reading files for the MIDI player."""
