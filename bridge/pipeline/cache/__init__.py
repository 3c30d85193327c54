"""The cache of stems and analyses: the store, its keys, and how a job's files are restored from it."""
