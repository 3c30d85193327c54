"""Notes of drum stems: hits found in a band spectrogram, and named by a small network."""
