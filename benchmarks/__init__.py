"""Measurements: each script runs us and what people use today in turns, and prints medians and their ratio."""
