"""What the bridge says, read back by its own clients; and that no client in the product reads it in another way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import ProtocolMismatch
from bridge.events import (
    Analysed,
    Ended,
    Event,
    MidiEnded,
    MidiMoved,
    MidiStarted,
    MidiWaiting,
    Produced,
    Progressed,
    Warned,
)
from bridge.model import Lateness, Music, Result, Warning
from bridge.osc import codec
from bridge.osc.addresses import FAIL, OUTGOING, PUSHES, STATUS_REPLY, Message, Outgoing
from bridge.osc.fields import arguments_of, event_of
from bridge.osc.pushes import Told, messages

#: One of each kind that is told to clients, with nothing that a push does not say.
EVENTS: tuple[Told, ...] = (
    Progressed(job="j1", stage="separating", fraction=0.25, eta_seconds=12.5),
    Progressed(job="j1", stage="loading", fraction=0.5),
    Produced(job="j1", result=Result(kind="stem", name="bass", path="/o/a.wav", seconds=15.0, sample_rate_hz=44_100)),
    Warned(job="j1", warning=Warning(code="would_clip", message="The bass would clip.")),
    Analysed(
        job="j1",
        music=Music(
            tempo_bpm=98.5, tempo_source="estimated", tempo_confidence=0.75, first_beat_seconds=0.5, key="Bb major",
            key_margin=0.25,
        ),
    ),
    Ended(job="j1", outcome="cancelled", unix_seconds=0.0),
    MidiWaiting(job="j1", stem="bass", sync="clock"),
    MidiStarted(job="j1", stem="bass", seconds=15.0, notes=12),
    MidiMoved(job="j1", stem="bass", seconds=-1.5),
    MidiEnded(
        job="j1", stem="bass", outcome="finished", lateness=Lateness(messages=0, p50_ms=0.125, p99_ms=0.5, worst_ms=2.0)
    ),
)  # fmt: skip
PRODUCT = [path for folder in ("bridge", "tui", "benchmarks", "tools") for path in Path(folder).rglob("*.py")]
#: Where a message's arguments are looked at by their places: what makes and reads messages, and what talks to Live.
BY_PLACE = {
    Path("bridge/osc") / name
    for name in ("ableton_osc.py", "addresses.py", "arguments.py", "client.py", "codec.py", "fields.py")
}


def over_the_wire(message: Message) -> Message:
    (received,) = codec.decode(codec.encode(message))
    assert isinstance(received, Message)
    return received


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_push_tells_the_event_that_it_was_made_from(event: Event) -> None:
    (push,) = messages(event, None)  # type: ignore[arg-type]
    assert event_of(over_the_wire(push)) == event


def test_every_push_is_an_event_or_known_not_to_be() -> None:
    told = {messages(event, None)[0].address for event in EVENTS}
    assert {push.address for push in PUSHES} - told == {"/sab/startup", "/sab/bye", "/sab/fail"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_push_that_has_gained_an_argument_says_what_it_said_before(event: Event) -> None:
    (push,) = messages(event, None)  # type: ignore[arg-type]
    longer = Message(push.address, (*push.arguments, "new", 7, 0.5))
    assert event_of(over_the_wire(longer)) == event


@pytest.mark.parametrize("row", OUTGOING, ids=lambda row: row.address)
def test_every_row_reads_what_it_writes_by_name(row: Outgoing) -> None:
    samples: dict[str, str | float] = {"s": "word", "i": 3, "f": 0.5}
    values = {parameter.name: samples[parameter.type] for parameter in row.parameters}
    said = over_the_wire(row(*values.values()))
    assert arguments_of(said, row) == values
    assert arguments_of(Message(said.address, (*said.arguments, "more")), row) == values


@pytest.mark.parametrize(
    "message",
    [
        Message("/sab/fail", ("/sab/play", "not_found")),
        Message("/sab/fail", (1, "not_found", "", "")),
        Message("/sab/done", ("/sab/play", "not_found", "", "")),
    ],
)
def test_what_is_too_short_or_of_another_kind_is_told_as_another_protocol(message: Message) -> None:
    with pytest.raises(ProtocolMismatch):
        arguments_of(message, FAIL)


def test_a_number_is_read_whichever_way_it_comes() -> None:
    said = arguments_of(Message(STATUS_REPLY.address, (1.0, 2, "draft", "cpu", "jack")), STATUS_REPLY)
    assert (said["queued"], type(said["queued"]), said["midi_backend"]) == (1, int, "jack")


@pytest.mark.parametrize("path", [path for path in PRODUCT if path not in BY_PLACE], ids=str)
def test_nobody_else_reads_arguments_by_their_places(path: Path) -> None:
    assert list(_by_place(ast.parse(path.read_text(encoding="utf-8")))) == []


def _by_place(tree: ast.AST) -> Iterator[int]:
    """Lines that take `.arguments` apart: by an index, by unpacking, or by matching."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_arguments(node.value):
            yield node.lineno
        if (
            isinstance(node, ast.Assign)
            and _is_arguments(node.value)
            and isinstance(node.targets[0], (ast.Tuple, ast.List))
        ):
            yield node.lineno
        if isinstance(node, ast.Match) and any(_is_arguments(part) for part in ast.walk(node.subject)):
            yield node.lineno


def _is_arguments(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "arguments"


def test_the_watch_on_places_sees_each_way() -> None:
    for line in ("x = m.arguments[1]", "_, a = m.arguments", "match m.address, m.arguments:\n case _: pass"):
        assert list(_by_place(ast.parse(line)))
    assert not list(_by_place(ast.parse("call.arguments.strings['job']\nf(m.arguments)")))
