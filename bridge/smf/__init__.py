"""Standard MIDI files: what is written beside the stems, and what the MIDI player reads back."""
