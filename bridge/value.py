"""The base of all values."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Immutable, compared by content, ready to be sent and stored."""
