"""Writes notes as a MIDI file of type 1 that lines up with the clip.

Time 0 is the clip's start, and the last event is not before the clip's end: placed at the clip's position in a DAW, the
file has every note where it sounds. No programs and banks are set; the choice of instrument is the musician's.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.model import Chord, Note, TempoPoint
from bridge.music.metre import Metre
from bridge.music.tempo_map import TempoMap
from bridge.request import Bends, TimeSignature
from bridge.smf.chords import chord_markers
from bridge.smf.mpe import mpe
from bridge.smf.ticks import LONGEST_QUARTER, microseconds_per_quarter, notes_in_ticks, ticks
from bridge.smf.wheel import single_channel
from bridge.stems import DRUM_CHANNEL, stem_of
from bridge.units import DEFAULT_TEMPO_BPM, TICKS_PER_QUARTER

#: MIDI clocks, in which a file gives the metronome's click.
CLOCKS_PER_QUARTER = 24
PITCHED_CHANNELS = (*range(9), *range(10, 16))


def midi_file(
    parts: Mapping[str, Sequence[Note]],
    *,
    seconds: float,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    metre: TimeSignature = (4, 4),
    beat: float | None = None,
    bends: Bends = "single",
    tempo_map: Sequence[TempoPoint] = (),
    first_bar_seconds: float = 0.0,
    chords: Sequence[Chord] = (),
) -> bytes:
    """A MIDI file with a track for tempo and metre, then one for each part, in order.

    Args:
        parts: the notes of each stem of `stems.STEMS`, or of a `mix`; the stem names the track. `drums` go to the drum
            channel and have no bends; each other part has its own channel, at most fifteen.
        seconds: length of the clip; no track ends before it.
        tempo_bpm: quarter notes per minute, at least 3.58.
        metre: time signature: units of a bar, and the unit's note value, a power of two.
        beat: the clip's position in the song, in quarter notes; written as a marker.
        bends: `mpe` needs a file with one part; with several, bends are `single`.
        tempo_map: where the beats are; empty: they are all at `tempo_bpm`.
        first_bar_seconds: with a tempo map, when the first bar starts: what precedes it is a shorter bar.
        chords: their names are markers.

    Raises:
        BadArguments: a MIDI file cannot store that tempo.
    """
    quarter = microseconds_per_quarter(tempo_bpm)
    if tempo_map:
        # In straight time, ticks follow from one tempo; the file's tempi then give every note its own time.
        followed, straight_bpm = TempoMap(tempo_map), 60e6 / quarter
        marks = [*_tempi(tempo_map), *_pickup(followed.quarters(first_bar_seconds), Metre.of(metre))]
        parts = {stem: followed.straightened(notes, straight_bpm) for stem, notes in parts.items()}
        chords = followed.straightened_chords(chords, straight_bpm)
        seconds = followed.straight_seconds(seconds, straight_bpm)
    else:
        marks = [(0, mido.MetaMessage("set_tempo", tempo=quarter)), (0, _time_signature(Metre.of(metre)))]
    end = ticks(seconds, quarter)
    if beat is not None:
        marks.append((0, mido.MetaMessage("marker", text=f"beat {beat:g}")))
    marks += chord_markers(chords, quarter)
    marks.sort(key=lambda mark: mark[0])
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks.append(_track(marks, end))
    pitched = iter(PITCHED_CHANNELS)
    for stem, notes in parts.items():
        name = (0, mido.MetaMessage("track_name", name=stem_of(stem).label))
        found = notes_in_ticks(notes, quarter)
        if not stem_of(stem).is_pitched:
            events = single_channel(found, DRUM_CHANNEL, quarter, with_bends=False)
        elif bends == "mpe" and len(parts) == 1:
            events = mpe(found, quarter)
        else:
            events = single_channel(found, next(pitched), quarter, with_bends=bends != "none")
        file.tracks.append(_track([name, *events], end))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _tempi(tempo_map: Sequence[TempoPoint]) -> Iterator[tuple[int, mido.MetaMessage]]:
    """The tempo from each point to the next; what a file rounds is made up for at the next point."""
    now, last = 0.0, 0
    for point, after in pairwise(tempo_map):
        tick, until = (round(one.quarters * TICKS_PER_QUARTER) for one in (point, after))
        quarter = round((after.seconds * 1e6 - now) * TICKS_PER_QUARTER / max(1, until - tick))
        quarter = min(max(quarter, 1), LONGEST_QUARTER)
        now += quarter * (until - tick) / TICKS_PER_QUARTER
        if quarter != last:
            yield tick, mido.MetaMessage("set_tempo", tempo=quarter)
        last = quarter


def _pickup(quarters: float, metre: Metre) -> list[tuple[int, mido.MetaMessage]]:
    """The metre from the first bar on, and a shorter bar of `quarters` before it."""
    units = round(quarters / metre.unit_quarters)
    if units % metre.numerator == 0:
        return [(0, _time_signature(metre))]
    return [
        (0, _time_signature(Metre(units, metre.denominator))),
        (round(units * metre.unit_quarters * TICKS_PER_QUARTER), _time_signature(metre)),
    ]


def _time_signature(metre: Metre) -> mido.MetaMessage:
    """The metre; metronomes click on its beats."""
    return mido.MetaMessage(
        "time_signature",
        numerator=metre.numerator,
        denominator=metre.denominator,
        clocks_per_click=max(1, round(CLOCKS_PER_QUARTER * metre.beat_quarters)),
    )


def _track(events: Sequence[tuple[int, mido.Message | mido.MetaMessage]], end: int) -> mido.MidiTrack:
    """A track of events sorted by tick; it ends at `end`, or with its last event if that is later."""
    track = mido.MidiTrack()
    now = 0
    for tick, message in events:
        message.time = tick - now  # in place: mido validates copies anew, which takes longer than all the rest
        track.append(message)
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track
