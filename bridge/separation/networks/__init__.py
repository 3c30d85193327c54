"""Neural networks behind one protocol: Demucs and Open-Unmix on torch, and a fallback for failing back-ends."""
