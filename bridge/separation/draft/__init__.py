"""The engine that needs no weights: median filters, masks and harmonic combs on a spectrogram."""
