"""The names that the HTTP server answers to."""

from __future__ import annotations

import pytest

from bridge.osc.http.guard import is_own_name


@pytest.mark.parametrize(
    ("host", "own_host", "is_own"),
    [
        ("localhost", "127.0.0.1", True),
        ("LOCALHOST:9720", "127.0.0.1", True),
        ("127.0.0.1:9720", "127.0.0.1", True),
        ("[::1]:9720", "::1", True),
        ("[::1]", "::1", True),
        ("192.168.0.5:9720", "127.0.0.1", False),
        ("192.168.0.5:9720", "0.0.0.0", True),
        ("studio.local", "0.0.0.0", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("127.0.0.1.evil.example", "0.0.0.0", False),
        ("", "127.0.0.1", False),
    ],
)
def test_only_own_names_are_answered(host: str, own_host: str, is_own: bool) -> None:
    assert is_own_name(host, own_host) == is_own
