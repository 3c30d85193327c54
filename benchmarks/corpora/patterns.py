"""Notation of pieces: drums as rows of letters, lines as beats and pitches, chords and roots by the bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.corpora.synthesis import Part
from bridge.model import Note

SECONDS = 12.0

#: General MIDI programs, from 0.
PIANO, VIBRAPHONE, ORGAN, NYLON, STEEL, CLEAN, OVERDRIVE, DISTORTION = 0, 11, 16, 24, 25, 27, 29, 30
ACOUSTIC_BASS, FINGERED_BASS, PICKED_BASS, SLAP_BASS, SYNTH_BASS = 32, 33, 34, 36, 38
VIOLIN, CELLO, STRINGS, TRUMPET, SAX, FLUTE, SAW_LEAD, WARM_PAD = 40, 42, 48, 56, 66, 73, 81, 89

#: General MIDI percussion keys by the letters of a pattern.
KEYS = {"k": 36, "s": 38, "x": 37, "h": 42, "o": 46, "c": 49, "r": 51, "t": 45, "m": 47, "f": 41, "g": 64, "q": 70}


@dataclass(frozen=True)
class Pulse:
    """A tempo; `swing` is the delay of the second eighth of a beat, in beats."""

    tempo_bpm: float
    swing: float = 0.0

    def seconds(self, beat: float) -> float:
        late = self.swing if beat % 1 == 0.5 else 0.0
        return (beat + late) * 60 / self.tempo_bpm

    @property
    def bars(self) -> int:
        return int(SECONDS * self.tempo_bpm / 240) + 1


def drums(pulse: Pulse, *rows: str, fill: str = "", kit: int = 0, gain_db: float = 0.0) -> Part:
    """Drums: each row is one bar of 16ths, a letter of `KEYS` a hit, upper case an accent; `fill` every 4th bar."""
    notes = []
    for bar in range(pulse.bars):
        for row in (fill,) if fill and bar % 4 == 3 else rows:
            for step, letter in enumerate(row):
                if letter.lower() in KEYS:
                    velocity = 112 if letter.isupper() else 84 + step % 3 * 5
                    notes.append(note(pulse, 4 * bar + step / 4, 0.2, KEYS[letter.lower()], velocity))
    return Part("drums", within(notes), kit, gain_db=gain_db)


def line(
    stem: str,
    pulse: Pulse,
    program: int,
    figure: Sequence[tuple[float, float, int]],
    *,
    beats: int = 16,
    pan: float = 0.0,
    gain_db: float = 0.0,
) -> Part:
    """A repeated figure of (beat, length in beats, pitch)."""
    turns = pulse.bars * 4 // beats + 1
    notes = [
        note(pulse, turn * beats + beat, length, pitch, 88 + int(beat * 7) % 20)
        for turn in range(turns)
        for beat, length, pitch in figure
    ]
    return Part(stem, within(notes), program, pan, gain_db)


def chords(
    pulse: Pulse,
    program: int,
    harmony: Sequence[Sequence[int]],
    rhythm: Sequence[tuple[float, float]],
    *,
    pan: float = 0.0,
    gain_db: float = 0.0,
    strum_seconds: float = 0.0,
) -> Part:
    """One chord per bar, played in `rhythm`: (beat, length in beats)."""
    notes = []
    for bar in range(pulse.bars):
        for beat, length in rhythm:
            for order, pitch in enumerate(harmony[bar % len(harmony)]):
                on_beat = note(pulse, 4 * bar + beat, length, pitch, 80 + bar % 3 * 5)
                notes.append(_moved(on_beat, order * strum_seconds))
    return Part("other", within(notes), program, pan, gain_db)


def roots(
    pulse: Pulse,
    program: int,
    pitches: Sequence[int],
    rhythm: Sequence[tuple[float, float, int]],
    *,
    gain_db: float = 0.0,
) -> Part:
    """A bass part: one root per bar, played in `rhythm`: (beat, length in beats, semitones above the root)."""
    notes = [
        note(pulse, 4 * bar + beat, length, pitches[bar % len(pitches)] + above, 100 if beat == 0 else 88)
        for bar in range(pulse.bars)
        for beat, length, above in rhythm
    ]
    return Part("bass", within(notes), program, gain_db=gain_db)


def note(pulse: Pulse, beat: float, length: float, pitch: int, velocity: int) -> Note:
    start = pulse.seconds(beat)
    stop = max(start + 0.03, pulse.seconds(beat + length) - 0.01)
    return Note(onset_seconds=start, offset_seconds=stop, pitch=pitch, velocity=velocity)


def within(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes that begin at least 0.1 s before the piece ends, in order."""
    kept = [found for found in notes if found.onset_seconds < SECONDS - 0.1]
    return tuple(sorted(kept, key=lambda found: (found.onset_seconds, found.pitch)))


def _moved(found: Note, seconds: float) -> Note:
    return Note(
        onset_seconds=found.onset_seconds + seconds,
        offset_seconds=found.offset_seconds + seconds,
        pitch=found.pitch,
        velocity=found.velocity,
    )


def melody(*phrases: tuple[float, str]) -> list[tuple[float, float, int]]:
    """A figure for `line`: each phrase starts on a beat and lists `degree:length`, degrees in semitones from C4."""
    figure = []
    for start, phrase in phrases:
        beat = start
        for word in phrase.split():
            degree, _, length = word.partition(":")
            if degree != "-":
                figure.append((beat, float(length), 60 + int(degree)))
            beat += float(length)
    return figure


def melody_at(figure: Sequence[tuple[float, float, int]], transpose: int) -> list[tuple[float, float, int]]:
    return [(beat, length, pitch + transpose) for beat, length, pitch in figure]
