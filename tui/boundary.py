"""The last boundary between the bridge and the screen: every exception becomes a BridgeError."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import BridgeError, Cancelled, InternalError

log = logging.getLogger(__name__)


@contextmanager
def only_bridge_errors() -> Iterator[None]:
    """Turns every exception but BridgeError and Cancelled into an InternalError, and logs its traceback."""
    try:
        yield
    except (BridgeError, Cancelled):
        raise
    except Exception as error:
        log.exception("the bridge raised an unexpected exception")
        raise InternalError(f"{type(error).__name__}: {error}") from error
