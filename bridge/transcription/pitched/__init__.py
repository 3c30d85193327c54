"""Notes of pitched stems: basic-pitch's posteriors, decoded into onsets, offsets, velocities and bends."""
