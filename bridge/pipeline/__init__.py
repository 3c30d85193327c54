"""One job from its audio file to its results: obtain its stems, read their notes, write the files, record the job.

It runs in the worker process. `job` is the story, `steps` has its steps, and the other modules are what the steps use.
"""
