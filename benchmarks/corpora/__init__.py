"""Test music with known stems, notes and tempo, composed or generated from a seed."""
