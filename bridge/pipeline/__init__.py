"""One job from its audio file to its results: read, separate, transcribe, write. Runs in the worker process.

`job` tells the story; the other modules are its pieces.
"""
