"""Quality of chords and of the clean reading on rendered songs whose chords and notes are known.

`python -m benchmarks.quality.chords [--first SEED] [--count N] [--backed N] [--mix] [--json]`

Each stem of a song is rendered alone and transcribed as the bridge would do it, and the chords are told from those
notes, with the true tempo; with `--mix` from one transcription of the whole song. Scores are mir_eval's weighted
overlaps (`mir_eval.chord`): major and minor (`majmin`), and the same with sevenths. The constants were chosen on songs
of `benchmarks.corpora.chorded_songs` with even seeds; odd ones and those of `corpora.random_songs` were only measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.corpora.chorded_songs import chorded_song
from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.random_drums import random_pulse
from benchmarks.corpora.random_songs import random_song
from benchmarks.corpora.synthesis import RATE_HZ, Part, missing, rendered
from benchmarks.quality.note_scores import Sample, plain, quality
from bridge.audio.resample import mono, resampled
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Chord, Music, Note
from bridge.music.chords import QUALITIES, chord_tones, chords_of
from bridge.music.clean import clean_parts
from bridge.music.key import estimate_key
from bridge.music.metre import Metre
from bridge.pipeline.notes import plays_one_line
from bridge.request import JobRequest, NoteSettings
from bridge.transcription.registry import TranscriberRegistry

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Our names of qualities in Harte's notation, which mir_eval reads.
HARTE = {"": "maj", "m": "min", "7": "7", "maj7": "maj7", "m7": "min7", "dim": "dim", "sus4": "sus4", "aug": "aug"}
ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
DRAWN, BACKED = "drawn", "random songs"
COLUMNS = ("majmin", "sevenths", "played_f1", "clean_f1")
PITCHED = ("vocals", "bass", "other")
#: (start, end, root's pitch class, quality)
Truth = Sequence[tuple[float, float, int, str]]


@dataclass(frozen=True)
class KnownSong:
    """A song with its parts, its chords, and where its beats are."""

    name: str
    group: str
    parts: tuple[Part, ...]
    chords: Truth
    seconds: float
    tempo_bpm: float
    metre: Metre


@dataclass(frozen=True)
class ChordQuality:
    """Weighted overlaps of one song, 0–1."""

    song: str
    group: str
    majmin: float
    sevenths: float
    played_f1: float
    """Of the notes as played: onsets within 50 ms; mean of the stems."""
    clean_f1: float
    """The same of the clean reading."""


def drawn_song(seed: int) -> KnownSong:
    song = chorded_song(seed)
    return KnownSong(song.name, DRAWN, song.parts, song.chords, song.seconds, song.tempo_bpm, song.metre)


def backed_song(seed: int) -> KnownSong | None:
    """A song of `random_songs`; a bar's chord is what the players of chords play in it. None without such players."""
    pulse, song = random_pulse(seed), random_song(seed)
    players = [part for part in song.parts if part.stem == "other" and _plays_chords(part)]
    if seed % 4 >= 2 or not players:  # the others have a pulse of their own
        return None
    metre, truth = Metre(4, 4), []
    for start, end in pairwise(min(SECONDS, pulse.seconds(4 * bar)) for bar in range(pulse.bars + 2)):
        tones = {note.pitch % 12 for part in players for note in part.notes if start <= note.onset_seconds < end}
        truth += [
            (start, end, root, quality)
            for quality in ("", "m", "dim")
            for root in range(12)
            if {(root + step) % 12 for step in QUALITIES[quality]} == tones
        ]
    return KnownSong(song.name, BACKED, song.parts, truth, SECONDS, pulse.tempo_bpm, metre) if truth else None


def _plays_chords(part: Part) -> bool:
    return any(first.onset_seconds == second.onset_seconds for first, second in pairwise(part.notes))


def known_songs(first: int, drawn: int, backed: int) -> Iterator[KnownSong]:
    """The drawn songs of every second seed from `first` on, then songs of `random_songs`."""
    for place in range(drawn):
        yield drawn_song(first + 2 * place)
    yield from islice(filter(None, map(backed_song, count())), backed)


class Listener:
    """Renders and transcribes songs."""

    def __init__(self) -> None:
        self._registry = TranscriberRegistry()

    def __call__(self, song: KnownSong, *, mix: bool = False) -> dict[str, list[Note]]:
        """The notes found in each stem, or in the whole song as `mix`."""
        sounds = [(part.stem, rendered(part, song.seconds)) for part in song.parts]
        if mix:
            sounds = [("mix", sound) for _, sound in sounds]
        stems = dict.fromkeys(stem for stem, _ in sounds if stem != "drums")
        return {stem: self._notes(stem, [sound for name, sound in sounds if name == stem]) for stem in stems}

    def _notes(self, stem: str, sounds: Sequence[Samples]) -> list[Note]:
        transcriber = self._registry.for_stem(stem)
        audio = resampled(
            mono(ArraySignal(np.sum(sounds, axis=0, dtype=np.float32), RATE_HZ)), transcriber.sample_rate_hz
        )
        return transcriber.notes(transcriber.analyse(audio, stem, NullControl()), stem, NoteSettings())


def music_of(song: KnownSong, parts: Mapping[str, Sequence[Note]]) -> Music:
    key = estimate_key(note for notes in parts.values() for note in notes)
    return Music(
        tempo_bpm=song.tempo_bpm, tempo_source="given", time_signature=song.metre.signature,
        key="" if key is None else key.name,
    )  # fmt: skip


def note_f1(song: KnownSong, found: Mapping[str, Sequence[Note]]) -> float:
    """F1 of onsets within 50 ms, mean of the stems; of a mix with all pitched notes."""
    scores = []
    for stem, notes in found.items():
        true = [note for part in song.parts if part.stem in (stem, *(PITCHED if stem == "mix" else ()))
                for note in part.notes]  # fmt: skip
        sample = Sample(song.name, song.group, stem, Path(), tuple(plain(true)))
        scores.append(quality(sample, "", plain(notes)).f1)
    return round(statistics.mean(scores), 3)


def chord_quality(song: KnownSong, parts: Mapping[str, Sequence[Note]]) -> ChordQuality:
    from mir_eval import chord

    music = music_of(song, parts)
    told = chords_of(parts, music, song.seconds)
    clean = clean_parts(parts, music, song.seconds, None, plays_one_line(JobRequest(source="")))
    f1 = (note_f1(song, parts), note_f1(song, clean))
    true = np.array([(start, end) for start, end, *_ in song.chords])
    names = [_label(root, QUALITIES[quality]) for _, _, root, quality in song.chords]
    if not told:
        return ChordQuality(song.name, song.group, 0.0, 0.0, *f1)
    intervals, labels = _without_gaps(told)
    scores = chord.evaluate(true, names, np.array(intervals), labels)
    return ChordQuality(song.name, song.group, round(scores["majmin"], 3), round(scores["sevenths"], 3), *f1)


def _without_gaps(told: Sequence[Chord]) -> tuple[list[tuple[float, float]], list[str]]:
    """Intervals and labels as mir_eval wants them."""
    filled: list[tuple[float, float]] = []
    named: list[str] = []
    for one in told:
        start, end, label = one.start_seconds, one.end_seconds, _label(*chord_tones(one.name))
        if filled and start > filled[-1][1] + 1e-6:
            filled.append((filled[-1][1], start))
            named.append("N")
        filled.append((filled[-1][1] if filled else start, end))
        named.append(label)
    return filled, named


def _label(root: int, tones: Sequence[int]) -> str:
    return f"{ROOTS[root]}:{next(HARTE[quality] for quality, steps in QUALITIES.items() if steps == tones)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Weighted overlap of chords with those that were written.")
    parser.add_argument("--first", type=int, default=1, help="the first seed of drawn songs; the next is two further")
    parser.add_argument("--count", type=int, default=12, help="number of drawn songs")
    parser.add_argument("--backed", type=int, default=12, help="number of songs of `random_songs`")
    parser.add_argument("--mix", action="store_true", help="one transcription of the whole song instead of its stems")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    if problem := missing():
        raise SystemExit(f"Nothing to measure: {problem}")
    listen = Listener()
    songs = known_songs(arguments.first, arguments.count, arguments.backed)
    rows = [chord_quality(song, listen(song, mix=arguments.mix)) for song in songs]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(" " * 36 + "".join(f"{column:>12}" for column in COLUMNS))
    for row in rows:
        print(f"{row.group}: {row.song}".ljust(36) + "".join(f"{getattr(row, column):12.2f}" for column in COLUMNS))
    for group in dict.fromkeys(row.group for row in rows):
        ours = [row for row in rows if row.group == group]
        means = [statistics.mean(getattr(row, column) for row in ours) for column in COLUMNS]
        print(f"mean of {len(ours)} {group}".ljust(36) + "".join(f"{mean:12.3f}" for mean in means))


if __name__ == "__main__":
    main()
