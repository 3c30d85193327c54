"""The log file: what the musician is spared and a developer wants to read."""

from __future__ import annotations

import contextlib
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_NAME = "bridge.log"
MAX_BYTES = 1_000_000


def log_into(folder: Path) -> None:
    """Writes every part's log into `folder`, two files of a megabyte at most; where it cannot, there is none."""
    logger = logging.getLogger("bridge")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.NullHandler())
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / LOG_NAME, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
