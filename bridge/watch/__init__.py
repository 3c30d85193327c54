"""Folders whose audio files become jobs, each once: `sab watch FOLDER`, and the setting `watch`.

The truth is what a scan of the folder finds, and what the ledger says of it; what the system tells of changes is only a
hint where to look. So whatever a hint misses, the next scan finds.
"""
