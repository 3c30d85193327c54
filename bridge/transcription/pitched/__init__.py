"""Notes of pitched stems: basic-pitch's posteriors, decoded into notes with velocities and bends."""
