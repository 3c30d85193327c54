"""Audio in and out of files. Arrays are float32, shape (frames, channels), full scale at ±1.0."""
