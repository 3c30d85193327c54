"""One job from its audio file to its results: read, separate, transcribe, write. Runs in the worker process.

`job` runs the steps in order; each other module implements one of them.
"""
