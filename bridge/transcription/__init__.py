"""From the sound of one stem to notes: pitched stems by basic-pitch's network, drums by spectral flux."""
