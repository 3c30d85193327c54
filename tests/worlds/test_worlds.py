"""Every command that README and docs show, typed as it is written, in every world that a user may have."""

from __future__ import annotations

import contextlib
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
from tests.worlds.places import NEVER_SAID, WORLDS, Place
from tests.worlds.shown import ROOT, shown
from tests.worlds.table import COMMANDS, Runs

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

#: The commands of one world come after one another, in the table's order: what one has kept, the next one finds.
TYPED = [
    pytest.param(world, command, id=f"{world}: {command}")
    for world in WORLDS
    for command, row in COMMANDS.items()
    if isinstance(row, Runs) and world in row.worlds
]


def test_every_command_that_is_shown_is_in_the_table() -> None:
    pages = shown()
    missing = {command: pages[command] for command in pages.keys() - COMMANDS.keys()}
    assert not missing, "a line in tests/worlds/table.py says in which worlds it runs"
    assert not COMMANDS.keys() - pages.keys(), "no page shows them any more"


@pytest.fixture(scope="module")
def enter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """Enters a world, and stays in it until another is wanted."""
    inside: dict[str, Place] = {}
    with contextlib.ExitStack() as stack:

        def entered(world: str) -> Place:
            if world not in inside:
                stack.pop_all().close()
                inside.clear()
                inside[world] = stack.enter_context(WORLDS[world](tmp_path_factory.mktemp("world")))
            return inside[world]

        yield entered


@pytest.mark.parametrize(("world", "command"), TYPED)
def test_a_command_that_is_shown_works(
    world: str, command: str, enter: Callable[[str], Place], record_property: Callable[[str, object], None]
) -> None:
    place = enter(world)
    row = COMMANDS[command]
    assert isinstance(row, Runs)
    record_property("world", world)
    record_property("command", command)
    began = time.monotonic()
    status, said = _type(place, command, row, row.at(world))
    record_property("seconds", time.monotonic() - began)
    assert status == row.at(world).status, said
    assert row.at(world).says in said, said
    assert not [word for word in NEVER_SAID if word in said], said


def _type(place: Place, command: str, row: Runs, here: Runs) -> tuple[int, str]:
    typed = here.typed or row.typed or command
    with contextlib.ExitStack() as stack:
        if row.with_server:
            stack.enter_context(place.serving())
        cwd = stack.enter_context(_project()) if row.in_project else None
        if here.lasts:
            return place.run_until(typed, here.lasts)
        if place.jack is not None and command == "make demo":
            stack.enter_context(_heard(place.jack))
        return place.run(typed, here.keys, cwd)


@contextlib.contextmanager
def _project() -> Iterator[Path]:
    """The project's folder, from which what the demo leaves is taken away again."""
    before = set(ROOT.glob("sab-demo*"))
    yield ROOT
    for left in set(ROOT.glob("sab-demo*")) - before:
        shutil.rmtree(left)


@contextlib.contextmanager
def _heard(server: JackServer) -> Iterator[None]:
    """Sees that whoever listens to the demo's ports hears every note that its files hold, and the end of each."""
    stems = ("Vocals", "Drums", "Bass", "Other")
    with contextlib.ExitStack() as stack:
        readers = {stem: stack.enter_context(MidiReader(server, f"hears {stem}")) for stem in stems}
        connecting = threading.Thread(target=_connect, args=(readers,))
        connecting.start()
        yield
        connecting.join()
        folder = max(ROOT.glob("sab-demo*"), key=lambda path: path.stat().st_mtime)
        for stem, reader in readers.items():
            struck = [message.data for message in reader.received if message.data[0] & 0xF0 == 0x90 and message.data[2]]
            assert len(struck) == count_notes(folder / f"clip ({stem}).mid")
            assert hanging(message.data for message in reader.received) == []
        assert any(reader.received for reader in readers.values())


def _connect(readers: Mapping[str, MidiReader]) -> None:
    """As soon as the ports are there, which is long before they play."""

    def is_connected(stem: str) -> bool:
        with contextlib.suppress(Exception):  # JACK-Client's own: no such port yet
            readers[stem].connect(f"Source Audio Bridge:SAB {stem}")
            return True
        return False

    for stem in readers:
        poll(functools.partial(is_connected, stem), 60.0)
