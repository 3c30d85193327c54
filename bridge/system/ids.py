"""Ids of jobs and groups."""

from __future__ import annotations

import secrets

#: Letters only, because a shell or a Max patch would read `12e45678` as a number.
ID_LETTERS = "abcdefghijkmnopqrstuvwxyz"


def new_id(length: int = 8) -> str:
    """A random id of so many letters."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(length))
