"""Remembering jobs: each is the list of its events, in memory and in one file that can be read and replayed."""
