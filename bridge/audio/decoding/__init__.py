"""Opens and decodes audio files, whatever their state, as blocks of float32."""
