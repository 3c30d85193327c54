"""Notes of drum stems: a band spectrogram, onset detection, and a small classifier network."""
