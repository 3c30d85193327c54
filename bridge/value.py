"""The base of all values."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Immutable, compared by content, ready to be sent and stored.

    Values hold no cycles, so the garbage collector need not look at them: there may be many thousands in a history.
    """
