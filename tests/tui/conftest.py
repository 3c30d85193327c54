"""For every test of the screen: no part of it fails unseen."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_part_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A question of the screen that fails is a toast to a user; a test that is about that clears `caplog`."""
    yield
    failed = [record for record in caplog.get_records("call") if record.message == "a part of the screen failed"]
    assert not [logging.Formatter().format(record) for record in failed]
