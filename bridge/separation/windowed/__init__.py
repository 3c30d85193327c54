"""Separation by a neural network, window by window: normalisation, overlap-add, the engine."""
