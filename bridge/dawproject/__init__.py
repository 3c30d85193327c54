"""DAWproject files: a song's stems and notes on tracks, for DAWs that open the format (version 1.0)."""
