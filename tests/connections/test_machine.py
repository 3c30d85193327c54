"""The machine as the bridge sees it, read off the event loop."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.connections.board import Board
from bridge.connections.machine import GOOD_FOR_SECONDS, MachineReader
from tests.support.fakes import FakeClock
from tests.support.scenes import waiting


async def test_memory_drives_and_load_are_read(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = MachineReader(clock)
    for _ in range(2):
        machine = await reader.read({"main": os.getpid(), "worker": None}, {"cache": str(tmp_path)})
        clock.advance(GOOD_FOR_SECONDS)
    assert machine.resident_bytes["main"] > 1_000_000 and set(machine.resident_bytes) == {"main"}
    assert 0 < machine.memory_free_bytes < machine.memory_bytes
    assert machine.cores > 0 and machine.cpu_share is not None and 0 <= machine.cpu_share <= 1
    (drive,) = machine.drives
    assert (drive.role, drive.folder) == ("cache", str(tmp_path)) and 0 < drive.free_bytes <= drive.total_bytes


async def test_a_folder_that_is_gone_and_a_process_that_has_ended_are_left_out(tmp_path: Path) -> None:
    machine = await MachineReader(FakeClock()).read({"worker": 2**22 + 7}, {"cache": str(tmp_path / "gone")})
    assert machine.resident_bytes == {} and machine.drives == ()


async def test_it_is_read_again_only_after_a_while(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = MachineReader(clock)
    first = await reader.read({}, {"cache": str(tmp_path)})
    assert await reader.read({}, {}) is first
    clock.advance(GOOD_FOR_SECONDS)
    assert (await reader.read({}, {})).drives == ()


async def test_the_board_counts_the_jobs() -> None:
    found = await Board(FakeClock()).look([waiting("A"), waiting("B")])
    assert (found.queued, found.running, found.clients, found.queue_end_seconds) == (2, 0, (), None)
    assert not found.has_heard_from("live")
