"""Writes the clean reading as a score: MusicXML 3.1, which MuseScore, Dorico, Sibelius and Finale open.

One part a stem, drums on a percussion staff, with key, metre, tempo and chord symbols. Element names and their order:
https://www.w3.org/2021/06/musicxml40/ (3.1 is a subset). The same notes give the same bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree

from bridge.model import Chord, Music
from bridge.music.chords import chord_tones
from bridge.music.clean import WrittenNote
from bridge.music.grid import EVEN
from bridge.music.metre import Metre
from bridge.music.spelling import key_fifths, root_spelled, spelled
from bridge.music.written_grid import QUARTER, WrittenGrid
from bridge.score.drum_staff import staff_place
from bridge.score.names import drum_name
from bridge.score.note_values import NoteValue, bar_values
from bridge.score.staves import PERCUSSION, Staff, VoiceEvent, staves_of
from bridge.score.xml_text import xml_text
from bridge.stems import DRUM_CHANNEL, stem_of

#: MusicXML's words for `music.chords.QUALITIES`.
KINDS = {
    (0, 4, 7): "major", (0, 3, 7): "minor", (0, 4, 7, 10): "dominant", (0, 4, 7, 11): "major-seventh",
    (0, 3, 7, 10): "minor-seventh", (0, 3, 6): "diminished", (0, 5, 7): "suspended-fourth", (0, 4, 8): "augmented",
}  # fmt: skip
#: General MIDI's programs, from 1, for programs that play the score; of all other stems a piano.
PROGRAMS = {"vocals": 54, "bass": 34, "guitar": 28}
#: Parts from the top, melody to drums; chord symbols stand over the first one with pitches.
ORDER = ("vocals", "mix", "guitar", "piano", "other", "bass", "drums")
#: Stands over swung eighths.
SWING = "Swing"
#: Voices of one staff, as programs number them.
VOICES_ON_STAFF = 4

Element = ElementTree.Element


class Bar(NamedTuple):
    """A bar's start and end in 24ths of a quarter from the start of the first bar."""

    number: int
    start: int
    end: int


def score_of(
    parts: Mapping[str, Sequence[WrittenNote]],
    grid: WrittenGrid,
    music: Music,
    chords: Sequence[Chord],
    *,
    title: str,
    seconds: float,
) -> bytes:
    """The score in UTF-8; parts without notes are left out, unless none has any."""
    filled = {stem: parts[stem] for stem in sorted(parts, key=ORDER.index) if parts[stem]} or dict([*parts.items()][:1])
    bars = [*_bars(grid, filled, seconds)]
    symbols = _chords_by_bar(chords, grid, bars)
    root = Element("score-partwise", version="3.1")
    _add(_add(root, "work"), "work-title", xml_text(title))
    _add(_add(_add(root, "identification"), "encoding"), "software", "Source Audio Bridge")
    names = _add(root, "part-list")
    for number, (stem, notes) in enumerate(filled.items(), 1):
        _name_part(names, f"P{number}", stem, notes)
    symbols_at = next((stem for stem in filled if stem_of(stem).is_pitched), None)
    for number, (stem, notes) in enumerate(filled.items(), 1):
        part = _add(root, "part", id=f"P{number}")
        staves = staves_of(stem, notes)
        for bar in bars:
            measure = _add(part, "measure", number=str(bar.number))
            if bar.number == 0:
                measure.set("implicit", "yes")
            if bar == bars[0]:
                _attributes(measure, staves, grid.metre, music)
            if bar == bars[0] and number == 1:
                _tempo(measure, grid, music)
            for symbol in symbols.get(bar.number, ()) if stem == symbols_at else ():
                measure.append(_harmony(symbol, grid, bar, music.key))
            _fill_bar(measure, bar, staves, grid.metre, f"P{number}", music.key)
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _bars(grid: WrittenGrid, parts: Mapping[str, Sequence[WrittenNote]], seconds: float) -> Iterator[Bar]:
    """The bars of the clip; what comes before the first one is a pickup of whole beats, with the number 0."""
    begun = int((grid.exact_position(0.0) + 1e-3) // grid.beat) * grid.beat  # where a beat starts, not one before it
    first = min([note.start for notes in parts.values() for note in notes], default=0)
    last = max([note.end for notes in parts.values() for note in notes], default=1)
    if first < 0:
        start = min(begun, first // grid.beat * grid.beat)
        yield Bar(0, start, 0)
    stop = max(last, min(int(grid.exact_position(seconds) - grid.beat / 4), last + grid.bar))
    for number in range(max(1, -(-stop // grid.bar))):
        yield Bar(number + 1, number * grid.bar, (number + 1) * grid.bar)


def _name_part(names: Element, part: str, stem: str, notes: Sequence[WrittenNote]) -> None:
    entry = _add(names, "score-part", id=part)
    _add(entry, "part-name", stem_of(stem).label)
    if stem_of(stem).is_pitched:
        _add(_add(entry, "score-instrument", id=f"{part}-I1"), "instrument-name", stem_of(stem).label)
        _add(_add(entry, "midi-instrument", id=f"{part}-I1"), "midi-program", str(PROGRAMS.get(stem, 1)))
        return
    keys = sorted({note.pitch for note in notes})
    for key in keys:
        _add(_add(entry, "score-instrument", id=_drum_id(part, key)), "instrument-name", drum_name(key))
    for key in keys:
        instrument = _add(entry, "midi-instrument", id=_drum_id(part, key))
        _add(instrument, "midi-channel", str(DRUM_CHANNEL + 1))
        _add(instrument, "midi-program", "1")
        _add(instrument, "midi-unpitched", str(key + 1))


def _drum_id(part: str, key: int) -> str:
    return f"{part}-I{key}"


def _attributes(measure: Element, staves: Sequence[Staff], metre: Metre, music: Music) -> None:
    attributes = _add(measure, "attributes")
    _add(attributes, "divisions", str(QUARTER))
    is_drums = staves[0].clef.sign == PERCUSSION.sign
    _add(_add(attributes, "key"), "fifths", str(0 if is_drums else key_fifths(music.key)))
    if music.key and not is_drums:
        _add(attributes[-1], "mode", music.key.split()[-1])
    time = _add(attributes, "time")
    _add(time, "beats", str(metre.numerator))
    _add(time, "beat-type", str(metre.denominator))
    if len(staves) > 1:
        _add(attributes, "staves", str(len(staves)))
    for number, staff in enumerate(staves, 1):
        clef = _add(attributes, "clef")
        if len(staves) > 1:
            clef.set("number", str(number))
        _add(clef, "sign", staff.clef.sign)
        _add(clef, "line", str(staff.clef.line))
        if staff.clef.octaves:
            _add(clef, "clef-octave-change", str(staff.clef.octaves))


def _tempo(measure: Element, grid: WrittenGrid, music: Music) -> None:
    """The tempo as a metronome shows it, of dotted quarters in compound metres; and whether eighths are swung."""
    direction = _add(measure, "direction", placement="above")
    metronome = _add(_add(direction, "direction-type"), "metronome")
    dotted = grid.metre.is_compound
    _add(metronome, "beat-unit", "quarter")
    if dotted:
        _add(metronome, "beat-unit-dot")
    _add(metronome, "per-minute", f"{music.tempo_bpm / (1.5 if dotted else 1):.4g}")
    if grid.swing != EVEN:
        _add(_add(direction, "direction-type"), "words", SWING)
    _add(direction, "sound", tempo=f"{music.tempo_bpm:.6g}")


def _chords_by_bar(chords: Sequence[Chord], grid: WrittenGrid, bars: Sequence[Bar]) -> dict[int, list[Chord]]:
    """The chords that start in each bar; a chord that comes again after a pause is told again."""
    symbols: dict[int, list[Chord]] = {}
    for before, chord in pairwise([None, *chords]):
        assert chord is not None
        if before is not None and before.name == chord.name and chord.start_seconds - before.end_seconds < 1e-3:
            continue
        position = _symbol_position(chord, grid)
        bar = next((bar for bar in bars if bar.start <= position < bar.end), bars[0])
        if position < bar.end:
            symbols.setdefault(bar.number, []).append(chord)
    return symbols


def _symbol_position(chord: Chord, grid: WrittenGrid) -> int:
    """A chord's start, to the nearest eighth."""
    return round(grid.exact_position(chord.start_seconds) / (QUARTER // 2)) * (QUARTER // 2)


def _harmony(chord: Chord, grid: WrittenGrid, bar: Bar, key: str) -> Element:
    root, tones = chord_tones(chord.name)
    harmony = Element("harmony")
    step, alteration = root_spelled(root, key)
    bottom = _add(harmony, "root")
    _add(bottom, "root-step", step)
    if alteration:
        _add(bottom, "root-alter", str(alteration))
    _add(harmony, "kind", KINDS[tones]).set("text", chord.name[1:].lstrip("#b"))
    if (offset := max(0, _symbol_position(chord, grid) - bar.start)) > 0:
        _add(harmony, "offset", str(offset))
    return harmony


def _fill_bar(measure: Element, bar: Bar, staves: Sequence[Staff], metre: Metre, part: str, key: str) -> None:
    """All voices of a bar, each from its beginning; voices beside the first have gaps instead of rests."""
    written = 0
    is_drums = staves[0].clef.sign == PERCUSSION.sign
    for number, staff in enumerate(staves):
        for voice, events in enumerate(staff.voices):
            first = bisect_right(events, bar.start, key=lambda event: event.end)
            inside = events[first : bisect_left(events, bar.end, key=lambda event: event.start)]
            if voice and not inside:
                continue
            if written:
                _add(_add(measure, "backup"), "duration", str(bar.end - bar.start))
            name = str(number * VOICES_ON_STAFF + voice + 1)
            place = _Place(part, name, str(number + 1) if len(staves) > 1 else "", key, is_drums)
            _fill_voice(measure, bar, inside, metre, place, shows_rests=voice == 0)
            written += 1


class _Place(NamedTuple):
    """What every note of a voice says of itself."""

    part: str
    voice: str
    staff: str
    """Empty: the part has one staff."""
    key: str
    is_drums: bool


def _fill_voice(
    measure: Element, bar: Bar, events: Sequence[VoiceEvent], metre: Metre, place: _Place, *, shows_rests: bool
) -> None:
    if not events and shows_rests:
        note = _add(measure, "note")
        _add(note, "rest", measure="yes")
        _add(note, "duration", str(bar.end - bar.start))
        _end_note(note, place, None)
        return
    # A pickup is counted from the bar that it would be the end of.
    shift = round(metre.bar_quarters * QUARTER) * (bar.start // round(metre.bar_quarters * QUARTER))
    stretches: list[tuple[int, int, VoiceEvent | None]] = []
    now = bar.start
    for event in events:
        start, end = max(event.start, bar.start), min(event.end, bar.end)
        if start > now:
            stretches.append((now, start, None))
        stretches.append((start, end, event))
        now = end
    if now < bar.end:
        stretches.append((now, bar.end, None))
    edges = [start - shift for start, _, _ in stretches] + [bar.end - shift]
    values = bar_values(edges, metre)
    brackets = _brackets([value for pieces in values for value in pieces])
    for (_, end, stretch), pieces in zip(stretches, values, strict=True):
        if stretch is None and not shows_rests and not any(piece.in_triplet for piece in pieces):
            _forward(measure, sum(piece.length for piece in pieces), place)
            continue
        for piece in pieces:
            is_first, is_last = piece is pieces[0], piece is pieces[-1]
            begins = stretch is not None and is_first and stretch.start >= bar.start
            ends = stretch is not None and is_last and stretch.end <= end
            notes = stretch.notes if stretch is not None else (None,)
            for index, written in enumerate(notes):
                ties = [kind for kind, tied in (("stop", not begins), ("start", not ends)) if tied and written]
                bracket = brackets.get(piece.start) if index == 0 else None
                _note(measure, written, piece, ties, place, in_chord=index > 0, bracket=bracket)


def _forward(measure: Element, length: int, place: _Place) -> None:
    forward = _add(measure, "forward")
    _add(forward, "duration", str(length))
    _add(forward, "voice", place.voice)
    if place.staff:
        _add(forward, "staff", place.staff)


def _brackets(values: Sequence[NoteValue]) -> dict[int, str]:
    """Where triplets start and stop, by the values' starts: each beat with triplets has its own bracket."""
    brackets: dict[int, str] = {}
    for before, value, after in zip([None, *values], values, [*values[1:], None], strict=False):
        if value.in_triplet:
            beat = value.start // QUARTER
            if before is None or not before.in_triplet or before.start // QUARTER != beat:
                brackets[value.start] = "start"
            if after is None or not after.in_triplet or after.start // QUARTER != beat:
                brackets[value.start] = "stop"
    return brackets


def _note(
    measure: Element, written: WrittenNote | None, value: NoteValue, ties: Sequence[str], place: _Place,
    *, in_chord: bool, bracket: str | None,
) -> None:  # fmt: skip
    note = _add(measure, "note")
    if in_chord:
        _add(note, "chord")
    head = ""
    if written is None:
        _add(note, "rest")
    elif place.is_drums:
        where = staff_place(written.pitch)
        unpitched, head = _add(note, "unpitched"), where.head
        _add(unpitched, "display-step", where.step)
        _add(unpitched, "display-octave", str(where.octave))
    else:
        _pitch(note, written.pitch, place.key)
    _add(note, "duration", str(value.length))
    for tie in ties:
        _add(note, "tie", type=tie)
    if place.is_drums and written is not None:
        _add(note, "instrument", id=_drum_id(place.part, written.pitch))
    _end_note(note, place, value, head)
    if ties or bracket:
        notations = _add(note, "notations")
        for tie in ties:
            _add(notations, "tied", type=tie)
        if bracket:
            _add(notations, "tuplet", type=bracket)


def _pitch(note: Element, pitch: int, key: str) -> None:
    step, alteration = spelled(pitch % 12, key)
    sounding = _add(note, "pitch")
    _add(sounding, "step", step)
    if alteration:
        _add(sounding, "alter", str(alteration))
    _add(sounding, "octave", str((pitch - alteration) // 12 - 1))


def _end_note(note: Element, place: _Place, value: NoteValue | None, head: str = "") -> None:
    """What follows a note's ties; without a value it is a bar's rest."""
    _add(note, "voice", place.voice)
    if value is not None:
        _add(note, "type", value.type)
        for _ in range(value.dots):
            _add(note, "dot")
        if value.in_triplet:
            change = _add(note, "time-modification")
            _add(change, "actual-notes", "3")
            _add(change, "normal-notes", "2")
    if head:
        _add(note, "notehead", head)
    if place.staff:
        _add(note, "staff", place.staff)


def _add(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = text
    return element
