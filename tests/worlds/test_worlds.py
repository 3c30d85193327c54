"""Runs every command that README and docs show, in every world that a user may have."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bridge.smf.reading import count_notes
from tests.support.jack_server import JackServer, MidiReader, poll
from tests.support.stage import hanging
from tests.worlds.places import FORBIDDEN_OUTPUT, WORLDS, Place
from tests.worlds.shown import ROOT, shown
from tests.worlds.table import COMMANDS, Runs

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

#: The commands of one world run in the table's order, because some depend on the results of others.
RUNS = [
    pytest.param(world, command, id=f"{world}: {command}")
    for world in WORLDS
    for command, row in COMMANDS.items()
    if isinstance(row, Runs) and world in row.worlds
]


def test_every_shown_command_is_in_the_table() -> None:
    pages = shown()
    missing = {command: pages[command] for command in pages.keys() - COMMANDS.keys()}
    assert not missing, "a line in tests/worlds/table.py says in which worlds it runs"
    assert not COMMANDS.keys() - pages.keys(), "no page shows these commands"


@pytest.fixture(scope="module")
def enter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """Enters a world, and leaves it when another is requested."""
    inside: dict[str, Place] = {}
    with contextlib.ExitStack() as stack:

        def entered(world: str) -> Place:
            if world not in inside:
                stack.pop_all().close()
                inside.clear()
                inside[world] = stack.enter_context(WORLDS[world](tmp_path_factory.mktemp("world")))
            return inside[world]

        yield entered


@pytest.mark.parametrize(("world", "command"), RUNS)
def test_a_shown_command_works(
    world: str, command: str, enter: Callable[[str], Place], record_property: Callable[[str, object], None]
) -> None:
    place = enter(world)
    row = COMMANDS[command]
    assert isinstance(row, Runs)
    record_property("world", world)
    record_property("command", command)
    start = time.monotonic()
    status, output = _type(place, command, row, row.at(world))
    record_property("seconds", time.monotonic() - start)
    assert status == row.at(world).status, output
    assert row.at(world).says in output, output
    assert not [word for word in FORBIDDEN_OUTPUT if word in output], output


def _type(place: Place, command: str, row: Runs, here: Runs) -> tuple[int, str]:
    typed = here.typed or row.typed or command
    with contextlib.ExitStack() as stack:
        if row.with_server:
            stack.enter_context(place.serving())
        cwd = stack.enter_context(_project()) if row.in_project else None
        if here.lasts:
            return place.run_until(typed, here.lasts)
        if place.jack is not None and command == "make demo":
            stack.enter_context(_all_notes_played(place.jack))
        return place.run(typed, here.keys, cwd)


@contextlib.contextmanager
def _project() -> Iterator[Path]:
    """The project's folder, for one world at a time; the demo's results are removed afterwards."""
    with (ROOT / ".venv" / "project.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = set(ROOT.glob("sab-demo*"))
        yield ROOT
        for left in set(ROOT.glob("sab-demo*")) - before:
            shutil.rmtree(left)


@contextlib.contextmanager
def _all_notes_played(server: JackServer) -> Iterator[None]:
    """Checks that the demo's ports play every note of its files, and its end."""
    stems = ("Vocals", "Drums", "Bass", "Other")
    with contextlib.ExitStack() as stack:
        readers = {stem: stack.enter_context(MidiReader(server, f"reads {stem}")) for stem in stems}
        connecting = threading.Thread(target=_connect, args=(readers,))
        connecting.start()
        yield
        connecting.join()
        folder = max(ROOT.glob("sab-demo*"), key=lambda path: path.stat().st_mtime)
        for stem, reader in readers.items():
            note_ons = [
                message.data for message in reader.received if message.data[0] & 0xF0 == 0x90 and message.data[2]
            ]
            assert len(note_ons) == count_notes(folder / f"clip ({stem}).mid")
            assert hanging(message.data for message in reader.received) == []
        assert any(reader.received for reader in readers.values())


def _connect(readers: Mapping[str, MidiReader]) -> None:
    """Connects each reader as soon as its port exists, long before the notes play."""

    def is_connected(stem: str) -> bool:
        with contextlib.suppress(Exception):  # JACK-Client's own: no such port yet
            readers[stem].connect(f"Source Audio Bridge:SAB {stem}")
            return True
        return False

    for stem in readers:
        poll(functools.partial(is_connected, stem), 60.0)
