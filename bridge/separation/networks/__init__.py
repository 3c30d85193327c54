"""Neural networks behind one seam: PyTorch and Open-Unmix, with a fallback where memory is short."""
