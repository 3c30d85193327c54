"""Quality of drum transcription: `python -m benchmarks.quality.drums [--json] [--random 24] [--no-speed]`.

Onset F1 within 50 ms, averaged over the pieces of a group; closed, open and pedal hats all count as the hat. The
groups are: common patterns on three kits, the same with a bass 12 dB below them, drum stems that the draft engine
separates from whole songs, random parts on every kit, and drum stems that it separates from random songs. Velocities:
rank correlation with the true ones.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from benchmarks.corpora.patterns import FINGERED_BASS, PIANO, SECONDS, Pulse, chords, drums, roots
from benchmarks.corpora.random_drums import random_part
from benchmarks.corpora.random_songs import random_song
from benchmarks.corpora.songs import Song, songs
from benchmarks.corpora.synthesis import RATE_HZ, SINGER, Part, missing, rendered
from benchmarks.quality.separation import drafted, mixed, rendered_song
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.transcription.drums.kit import KIT
from bridge.transcription.drums.transcriber import DrumDetector

if TYPE_CHECKING:
    from bridge.protocols import Samples

ONSET_SECONDS = 0.05
#: GM keys that count as each drum.
DRUMS = {drum.name: drum.keys for drum in KIT}
#: The targets of issue 4 for kick, snare and hat.
AIMS = {"dry": (0.95, 0.9, 0.85), "with bass": (0.95, 0.9, 0.85), "drafted": (0.85, 0.75, 0.6)}
#: Standard, TR-808 and power kits, as General MIDI numbers them from 0.
KITS = {"standard": 0, "TR-808": 25, "power": 16}
BLEED_DB = -12.0
GHOST_VELOCITY = 45
WARM_SECONDS, REPEATS = 60, 5


@dataclass(frozen=True)
class Piece:
    """A sound and its true hits."""

    group: str
    name: str
    sound: Callable[[], ArraySignal]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Score:
    """One drum of one piece."""

    group: str
    piece: str
    drum: str
    f1: float
    precision: float | None
    recall: float | None
    velocity: float | None
    """Rank correlation of the velocities of matched hits; None where the true ones do not differ."""


def patterns() -> Iterator[tuple[str, Part]]:
    """The patterns, on each of the three kits."""
    for kit, program in KITS.items():
        play = partial(drums, kit=program)
        yield f"rock, {kit}", play(Pulse(112), "h-h-h-h-h-h-h-h-", "K-------K-k-----", "----S-------S---")
        funk = play(Pulse(100), "hhhhhhohhhhhhhoh", "K--k--k---kk----", "----S--s-s--S--s")
        yield f"funk, ghost notes, {kit}", _ghosted(funk)
        yield (
            f"four on the floor, {kit}",
            play(Pulse(128), "K---K---K---K---", "--o---o---o---o-", "----S-------S---"),
        )
        trap = play(Pulse(140), "hhhhhhhhhhhhhhhh", "K-----k---k-----", "--------S-------")
        yield f"trap hats, {kit}", replace(trap, notes=tuple(_rolled(trap.notes, 60 / 140 / 8)))
        fills = play(Pulse(112), "h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---", fill="K---S-ssmmttffFC")
        yield f"fills, {kit}", fills
        ride = play(
            Pulse(96, swing=0.17), "r---r-r-r---r-r-", "----h-------h---", "k-----k-----k---", "------s-------s-"
        )
        yield f"swing on the ride, {kit}", ride


def _ghosted(part: Part) -> Part:
    """The part with the snare's unaccented hits as ghost notes."""
    keys = DRUMS["snare"]
    notes = [
        _with(note, velocity=GHOST_VELOCITY) if note.pitch in keys and note.velocity < 100 else note
        for note in part.notes
    ]
    return replace(part, notes=tuple(notes))


def _rolled(notes: Sequence[Note], half_seconds: float) -> Iterator[Note]:
    """The notes with every eighth hat doubled, in 32nds."""
    hats = 0
    for note in notes:
        yield note
        if note.pitch in DRUMS["hat"]:
            hats += 1
            if hats % 8 == 0:
                start = note.onset_seconds + half_seconds
                yield _with(note, onset_seconds=start, offset_seconds=start + 0.05)


def _with(note: Note, **changes: float) -> Note:
    values = {"onset_seconds": note.onset_seconds, "offset_seconds": note.offset_seconds, "velocity": note.velocity}
    values.update(changes)
    return Note(
        onset_seconds=values["onset_seconds"],
        offset_seconds=values["offset_seconds"],
        pitch=note.pitch,
        velocity=int(values["velocity"]),
    )


def bass() -> Part:
    figure = [(step / 2, 0.45, 0) for step in range(8)]
    return roots(Pulse(112), FINGERED_BASS, (28, 36, 31, 38), figure)


def pieces(seeds: int) -> Iterator[Piece]:
    """All pieces of all groups; each is rendered when its `sound` is called."""
    for name, part in patterns():
        yield Piece("dry", name, partial(_sound, part), part.notes)
        yield Piece("with bass", name, partial(_with_bass, part), part.notes)
    for song in songs():
        notes = tuple(note for part in song.parts if part.is_drums for note in part.notes)
        if notes and len({part.stem for part in song.parts}) > 1:
            yield Piece("drafted", song.name, partial(_drafted, song), notes)
    for seed in range(seeds):
        part = random_part(seed)
        yield Piece("random", f"seed {seed}, kit {part.program}", partial(_sound, part), part.notes)
    for seed in range(1, 2 * seeds, 2):
        song = random_song(seed)
        yield Piece("random, drafted", song.name, partial(_drafted, song), song.parts[0].notes)


def _sound(part: Part) -> ArraySignal:
    return _mono(rendered(part, SECONDS))


def _drafted(song: Song) -> ArraySignal:
    return _mono(drafted(mixed(rendered_song(song)), RATE_HZ)["drums"])


def _with_bass(part: Part) -> ArraySignal:
    low = rendered(bass(), SECONDS) * 10 ** (BLEED_DB / 20)
    return _mono(rendered(part, SECONDS) + low)


def _mono(samples: Samples) -> ArraySignal:
    return ArraySignal(samples.mean(axis=1, keepdims=True, dtype=np.float32), RATE_HZ)


def scores(piece: Piece) -> list[Score]:
    found = DrumDetector().transcribe(piece.sound(), "drums", NullControl())
    rows = []
    for drum, keys in DRUMS.items():
        true = sorted({(note.onset_seconds, note.velocity) for note in piece.notes if note.pitch in keys})
        estimated = sorted((note.onset_seconds, note.velocity) for note in found if note.pitch in keys)
        if not true and not estimated:
            continue
        pairs = matched(true, estimated)
        rows.append(
            Score(
                piece.group,
                piece.name,
                drum,
                round(2 * len(pairs) / (len(true) + len(estimated)), 3),
                round(len(pairs) / len(estimated), 3) if estimated else None,
                round(len(pairs) / len(true), 3) if true else None,
                _correlation(pairs),
            )
        )
    return rows


def matched(true: Sequence[tuple[float, int]], estimated: Sequence[tuple[float, int]]) -> list[tuple[int, int]]:
    """(true, found) velocities of the greatest number of pairs within the window, both sides sorted by time."""
    pairs = []
    rest = list(estimated)
    for onset, velocity in true:
        while rest and rest[0][0] < onset - ONSET_SECONDS:
            rest.pop(0)
        if rest and rest[0][0] <= onset + ONSET_SECONDS:
            pairs.append((velocity, rest.pop(0)[1]))
    return pairs


def _correlation(pairs: Sequence[tuple[int, int]]) -> float | None:
    true, estimated = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    if len(pairs) < 5 or len(true) < 2:
        return None
    if len(estimated) < 2:
        return 0.0
    return round(float(spearmanr([pair[0] for pair in pairs], [pair[1] for pair in pairs]).statistic), 3)


@dataclass(frozen=True)
class FalseAlarm:
    """Hits found per minute of a sound without drums."""

    what: str
    per_minute: float


def false_alarms() -> list[FalseAlarm]:
    figure = [(step / 2, 0.45, 0) for step in range(8)]
    song = songs()[0]
    voice = next(part for part in song.parts if part.program == SINGER)
    harmony = ((48, 55, 60, 64), (45, 52, 57, 60))
    parts = {
        "a bass": roots(Pulse(112), FINGERED_BASS, (28, 36, 31, 38), figure),
        "a voice": voice,
        "a piano": chords(Pulse(112), PIANO, harmony, ((0, 0.9), (1, 0.9), (2, 1.9))),
    }
    return [
        FalseAlarm(what, len(DrumDetector().transcribe(_sound(part), "drums", NullControl())) * 60 / SECONDS)
        for what, part in parts.items()
    ]


def seconds_a_minute() -> list[float]:
    """Seconds to transcribe a minute of drums, with everything loaded: one value per run."""
    _, part = next(iter(patterns()))
    samples = _sound(part).samples
    audio = ArraySignal(np.resize(samples, (WARM_SECONDS * RATE_HZ, 1)), RATE_HZ)
    transcriber = DrumDetector()
    transcriber.transcribe(audio, "drums", NullControl())
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        transcriber.transcribe(audio, "drums", NullControl())
        seconds.append(time.perf_counter() - start)
    return seconds


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.mean(known), 3) if known else None


def print_table(rows: Sequence[Score]) -> None:
    for group in dict.fromkeys(row.group for row in rows):
        here = [row for row in rows if row.group == group]
        print(f"{group:44}" + "".join(f"{drum:>10}" for drum in DRUMS))
        for piece in dict.fromkeys(row.piece for row in here):
            cells = {row.drum: f"{row.f1:.2f}" for row in here if row.piece == piece}
            print(f"  {piece:42}" + "".join(f"{cells.get(drum, '–'):>10}" for drum in DRUMS))
        for label, key in (("mean F1", "f1"), ("mean rank correlation of velocities", "velocity")):
            means = [mean(getattr(row, key) for row in here if row.drum == drum) for drum in DRUMS]
            print(f"  {label:42}" + "".join(f"{'–' if value is None else f'{value:.3f}':>10}" for value in means))
        if group in AIMS:
            print(f"  {'aim':42}" + "".join(f"{aim:10.2f}" for aim in AIMS[group]))
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description="Drum onsets found, false alarms and speed.")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--random", type=int, default=24, help="how many parts drawn at random")
    parser.add_argument("--no-speed", action="store_true", help="leave the speed out")
    arguments = parser.parse_args()
    problem = missing()
    if problem:
        raise SystemExit(f"Nothing to measure: {problem}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth is a process of its own
        everything = list(pieces(arguments.random))
        rows = [row for found in pool.map(scores, everything) for row in found]
    alarms = false_alarms()
    speed = [] if arguments.no_speed else [round(value, 3) for value in seconds_a_minute()]
    if arguments.json:
        report = {"drums": [asdict(row) for row in rows], "false_alarms": [asdict(alarm) for alarm in alarms]}
        print(json.dumps({**report, "seconds_a_minute": speed}, indent=2))
        return
    print_table(rows)
    for alarm in alarms:
        print(f"hits found in {alarm.what}: {alarm.per_minute:.0f} a minute")
    if speed:
        print(f"a minute of drums: {statistics.median(speed):.2f} s ({min(speed):.2f}–{max(speed):.2f})")


if __name__ == "__main__":
    main()
