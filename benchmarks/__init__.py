"""Measurements: each script runs us and what people use today in turns, and prints medians and their ratio."""

import bridge  # noqa: F401 - first, so that what is measured reports to nobody (bridge.system.privacy)
