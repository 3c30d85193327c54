"""Every command that README and docs show, typed as it is written, in every world that a user may have."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jack_server import MidiReader, poll
from tests.worlds.places import NEVER_SAID, WORLDS, Place
from tests.worlds.shown import ROOT, shown
from tests.worlds.table import COMMANDS, JACKD, Runs

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
            return _until_ended(place, typed, here.lasts)
        if place.jack is not None and command == "make demo":
            stack.enter_context(_heard(place))
        return place.run(typed, here.keys, cwd)


def _until_ended(place: Place, command: str, words: str) -> tuple[int, str]:
    """Runs what runs until Ctrl-C."""
    with place.typed(f"exec {command}") as terminal:
        terminal.shows(words)
        terminal.process.send_signal(signal.SIGINT)
        status = terminal.ends()
    return status, terminal.drawn.decode("utf-8", "replace")


@contextlib.contextmanager
def _project() -> Iterator[Path]:
    """The project's folder, from which what the demo leaves is taken away again."""
    before = set(ROOT.glob("sab-demo*"))
    yield ROOT
    for left in set(ROOT.glob("sab-demo*")) - before:
        shutil.rmtree(left)


@contextlib.contextmanager
def _heard(place: Place) -> Iterator[None]:
    """Sees that somebody who listens to the port hears notes, and the end of each."""
    import threading

    from tests.midi.stage import hanging

    assert place.jack is not None
    with MidiReader(place.jack) as reader:

        def connect() -> bool:
            with contextlib.suppress(Exception):  # JACK-Client's own: no such port yet
                reader.connect("Source Audio Bridge:SAB Bass")
                return True
            return False

        connecting = threading.Thread(target=poll, args=(connect, 60.0))
        connecting.start()
        yield
        connecting.join()
        notes = [message.data for message in reader.heard if message.data[0] & 0xF0 == 0x90 and message.data[2]]
        assert notes
        assert hanging(message.data for message in reader.heard) == []


def test_the_jackd_world_hears_the_first_command_of_the_readme() -> None:
    row = COMMANDS["make demo"]
    assert isinstance(row, Runs)
    assert JACKD in row.worlds
