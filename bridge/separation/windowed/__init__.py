"""Window-by-window separation with a neural network: normalisation, overlap-add, the engine."""
