"""The inspector: `python -m bridge.inspector`, which checks a request's files before it is queued.

It is a separate process, because a check may hang with the drive, and a decoder may crash
(docs/decisions/0117-requests-are-inspected-first.md).
"""
