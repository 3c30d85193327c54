"""The music of jobs for a screen: what is known of it, and other readings, from the analyses that are kept.

It works in a process of its own (`python -m bridge.reader`), beside the worker's queue.
"""
