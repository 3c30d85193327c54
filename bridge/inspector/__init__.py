"""The inspector: `python -m bridge.inspector`, which looks at a request's files before it is queued.

A process of its own, because a look may hang with the drive and a decoder may crash
(docs/decisions/0117-requests-are-inspected-first.md).
"""
