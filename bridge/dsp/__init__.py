"""Shared signal processing: array types, peak finding, zero-padded reads."""
