"""The engine without weights: median filters, masks and harmonic combs on a spectrogram."""
