"""What the bridge says, read back by whoever asked or subscribed: arguments by their names, pushes as events.

Every client in this program reads through here, by the table of addresses. So a message that gains an argument stays
readable: what stands behind the last one that is known is ignored, as the protocol wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

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
from bridge.osc.addresses import (
    FINISHED,
    MIDI_END,
    MIDI_POSITION,
    MIDI_START,
    MIDI_WAIT,
    MUSIC,
    PROGRESS,
    RESULT,
    WARNING,
    Message,
    Outgoing,
)

#: The arguments of a message by their names, as its row of the table writes them.
Said: TypeAlias = dict[str, Any]


def arguments_of(message: Message, row: Outgoing) -> Said:
    """What a message says that is of this `row`; each argument is of the row's type.

    Raises:
        ProtocolMismatch: one is missing, or is of another type.
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
    """The event that a push tells of, as far as the push says it; None for what tells of no event.

    Not told are: why a time left has risen; a result's frames, channels, sample format and number of notes; a failure's
    reason (it comes before, as `/sab/fail`) and the time of an end; of how late notes were, the number of messages.

    Raises:
        ProtocolMismatch: as `arguments_of`.
    """
    if message.address not in _EVENTS:
        return None
    row, event = _EVENTS[message.address]
    return event(arguments_of(message, row))


def _progressed(said: Said) -> Progressed:
    eta = said["eta_seconds"]
    return Progressed(
        job=said["job"], stage=said["stage"], fraction=said["fraction"], eta_seconds=eta if eta >= 0 else None
    )


def _produced(said: Said) -> Produced:
    result = Result(
        kind=said["kind"],
        name=said["name"],
        path=said["path"],
        seconds=said["seconds"],
        sample_rate_hz=said["sample_rate"],
    )
    return Produced(job=said["job"], result=result)


def _warned(said: Said) -> Warned:
    return Warned(job=said["job"], warning=Warning(code=said["code"], message=said["message"]))


def _analysed(said: Said) -> Analysed:
    music = Music(
        tempo_bpm=said["tempo"],
        tempo_source=said["source"],
        tempo_confidence=said["confidence"],
        first_beat_seconds=said["first_beat"],
        key=said["key"],
        key_margin=said["margin"],
    )
    return Analysed(job=said["job"], music=music)


def _ended(said: Said) -> Ended:
    return Ended(job=said["job"], outcome=said["outcome"], unix_seconds=0.0)


def _midi_waiting(said: Said) -> MidiWaiting:
    return MidiWaiting(job=said["job"], stem=said["stem"], sync=said["sync"])


def _midi_started(said: Said) -> MidiStarted:
    return MidiStarted(job=said["job"], stem=said["stem"], seconds=said["seconds"], notes=said["notes"])


def _midi_moved(said: Said) -> MidiMoved:
    return MidiMoved(job=said["job"], stem=said["stem"], seconds=said["seconds"])


def _midi_ended(said: Said) -> MidiEnded:
    lateness = Lateness(
        messages=0, p50_ms=said["late_p50_ms"], p99_ms=said["late_p99_ms"], worst_ms=said["late_worst_ms"]
    )
    return MidiEnded(job=said["job"], stem=said["stem"], outcome=said["outcome"], lateness=lateness)


_EVENTS: dict[str, tuple[Outgoing, Callable[[Said], Event]]] = {
    row.address: (row, event)
    for row, event in (
        (PROGRESS, _progressed),
        (RESULT, _produced),
        (WARNING, _warned),
        (MUSIC, _analysed),
        (FINISHED, _ended),
        (MIDI_WAIT, _midi_waiting),
        (MIDI_START, _midi_started),
        (MIDI_POSITION, _midi_moved),
        (MIDI_END, _midi_ended),
    )
}
