"""The drive of the state folder, with the record of a watched folder, may stop answering."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.watch.ledger import ClipLedger
from bridge.watch.values import WatchedClip
from tests.watch.bench import PATIENCE_SECONDS, WatchBench


@pytest.fixture
def bench(tmp_path: Path) -> WatchBench:
    return WatchBench(tmp_path)


async def test_a_state_drive_that_hangs_at_the_end_ends_it_all_the_same(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    close = ClipLedger.close

    def hanging(ledger: ClipLedger) -> None:
        answers.wait()
        close(ledger)

    monkeypatch.setattr("bridge.watch.folder_watch.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(ClipLedger, "close", hanging)
    try:
        await bench.run_until_idle()
    finally:
        answers.set()


async def test_a_state_drive_that_hangs_while_the_record_is_read_is_named(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, is_closed = threading.Event(), threading.Event()
    read, close = ClipLedger.read, ClipLedger.close

    def hanging(ledger: ClipLedger) -> dict[str, WatchedClip]:
        answers.wait()
        return read(ledger)

    def closing(ledger: ClipLedger) -> None:
        close(ledger)
        is_closed.set()

    with monkeypatch.context() as patch:
        patch.setattr("bridge.watch.folder_watch.ANSWER_SECONDS", 0.1)
        patch.setattr(ClipLedger, "read", hanging)
        patch.setattr(ClipLedger, "close", closing)
        with pytest.raises(BridgeError, match="does not answer"):
            await bench.run_until_idle()
        answers.set()
        assert await asyncio.to_thread(is_closed.wait, PATIENCE_SECONDS)
    await bench.run_until_idle()
