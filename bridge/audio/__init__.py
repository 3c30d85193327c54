"""Reading and writing audio files. Arrays are float32, shape (frames, channels), full scale at ±1.0."""
