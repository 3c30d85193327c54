"""Parses messages from the bridge for its clients: arguments by name, pushes as events.

Every client in this program parses messages here, by the table of addresses. Arguments after the last known one are
ignored, as the protocol requires, so a message may gain arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

from bridge.errors import ProtocolMismatch
from bridge.events import (
    Analysed,
    Ended,
    Event,
    GroupEnded,
    HorizonMoved,
    MidiDelayed,
    MidiEnded,
    MidiMoved,
    MidiStarted,
    MidiStarved,
    MidiWaiting,
    Produced,
    Progressed,
    Removed,
    Restored,
    Warned,
)
from bridge.model import Lateness, Music, Result, Warning
from bridge.osc.addresses import (
    FINISHED,
    GROUP_FINISHED,
    HORIZON,
    MIDI_DELAY,
    MIDI_END,
    MIDI_POSITION,
    MIDI_START,
    MIDI_STARVED,
    MIDI_WAIT,
    MUSIC,
    PROGRESS,
    REMOVED,
    RESTORED,
    RESULT,
    WARNING,
    Message,
    Outgoing,
)

#: The arguments of a message, by their names in its row of the table.
Fields: TypeAlias = dict[str, Any]


def arguments_of(message: Message, row: Outgoing) -> Fields:
    """The arguments of a message of this `row`, each converted to the row's type.

    Raises:
        ProtocolMismatch: an argument is missing or has another type.
    """
    parameters = row.parameters
    try:
        if message.address != row.address:
            raise ValueError(message.address)
        return {
            parameter.name: parameter.value(argument)
            for parameter, argument in zip(parameters, message.arguments[: len(parameters)], strict=True)
        }
    except (TypeError, ValueError) as error:
        raise ProtocolMismatch(f"{message.address} should bring {row.signature}, not {message.arguments!r}.") from error


def event_of(message: Message) -> Event | None:
    """The event that a push reports; None for a message that reports no event.

    A push does not carry: why the time left has risen; a result's frames, channels, sample format and number of notes;
    the reason of a failure (sent before, as `/sab/fail`) and the time of an end; the number of messages whose lateness
    was measured.

    Raises:
        ProtocolMismatch: as `arguments_of`.
    """
    if message.address not in _EVENTS:
        return None
    row, event = _EVENTS[message.address]
    return event(arguments_of(message, row))


def _progressed(fields: Fields) -> Progressed:
    eta = fields["eta_seconds"]
    return Progressed(
        job=fields["job"], stage=fields["stage"], fraction=fields["fraction"], eta_seconds=eta if eta >= 0 else None
    )


def _produced(fields: Fields) -> Produced:
    folder, file = os.path.split(fields["path"])
    result = Result(
        kind=fields["kind"],
        name=fields["name"],
        folder=folder,
        file=file,
        seconds=fields["seconds"],
        sample_rate_hz=fields["sample_rate"],
    )
    return Produced(job=fields["job"], result=result)


def _warned(fields: Fields) -> Warned:
    return Warned(job=fields["job"], warning=Warning(code=fields["code"], message=fields["message"]))


def _analysed(fields: Fields) -> Analysed:
    music = Music(
        tempo_bpm=fields["tempo"],
        tempo_source=fields["source"],
        tempo_confidence=fields["confidence"],
        first_beat_seconds=fields["first_beat"],
        key=fields["key"],
        key_margin=fields["margin"],
    )
    return Analysed(job=fields["job"], music=music)


def _ended(fields: Fields) -> Ended:
    return Ended(job=fields["job"], outcome=fields["outcome"], unix_seconds=0.0)


def _removed(fields: Fields) -> Removed:
    return Removed(job=fields["job"], unix_seconds=0.0)


def _restored(fields: Fields) -> Restored:
    return Restored(job=fields["job"], unix_seconds=0.0)


def _group_ended(fields: Fields) -> GroupEnded:
    return GroupEnded(
        group_id=fields["group_id"],
        name=fields["group"],
        done=fields["done"],
        failed=fields["failed"],
        cancelled=fields["cancelled"],
    )


def _midi_waiting(fields: Fields) -> MidiWaiting:
    return MidiWaiting(job=fields["job"], stem=fields["stem"], sync=fields["sync"])


def _midi_started(fields: Fields) -> MidiStarted:
    return MidiStarted(job=fields["job"], stem=fields["stem"], seconds=fields["seconds"], notes=fields["notes"])


def _horizon_moved(fields: Fields) -> HorizonMoved:
    return HorizonMoved(job=fields["job"], seconds=fields["seconds"])


def _midi_delayed(fields: Fields) -> MidiDelayed:
    return MidiDelayed(job=fields["job"], seconds=fields["seconds"])


def _midi_starved(fields: Fields) -> MidiStarved:
    return MidiStarved(job=fields["job"], stem=fields["stem"], seconds=fields["seconds"])


def _midi_moved(fields: Fields) -> MidiMoved:
    return MidiMoved(job=fields["job"], stem=fields["stem"], seconds=fields["seconds"])


def _midi_ended(fields: Fields) -> MidiEnded:
    lateness = Lateness(
        messages=0, p50_ms=fields["late_p50_ms"], p99_ms=fields["late_p99_ms"], worst_ms=fields["late_worst_ms"]
    )
    return MidiEnded(
        job=fields["job"],
        stem=fields["stem"],
        outcome=fields["outcome"],
        lateness=lateness,
        missed=fields["missed"],
    )


_EVENTS: dict[str, tuple[Outgoing, Callable[[Fields], Event]]] = {
    row.address: (row, event)
    for row, event in (
        (PROGRESS, _progressed),
        (RESULT, _produced),
        (WARNING, _warned),
        (MUSIC, _analysed),
        (FINISHED, _ended),
        (REMOVED, _removed),
        (RESTORED, _restored),
        (GROUP_FINISHED, _group_ended),
        (HORIZON, _horizon_moved),
        (MIDI_WAIT, _midi_waiting),
        (MIDI_START, _midi_started),
        (MIDI_DELAY, _midi_delayed),
        (MIDI_STARVED, _midi_starved),
        (MIDI_POSITION, _midi_moved),
        (MIDI_END, _midi_ended),
    )
}
