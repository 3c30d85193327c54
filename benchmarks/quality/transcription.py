"""Quality and speed of note transcription, compared with basic-pitch's own decoder and command.

`python -m benchmarks.quality.transcription [--audio FOLDER] [--beside COMMIT] [--extras] [--json] [--no-speed]`

Quality: note F1 with an onset within 50 ms and a pitch within 50 cents, and the same with offsets within 20 % of the
note or 50 ms (mir_eval's and MIREX's rules). Measured on the recordings of a folder (a `.wav` beside a `.mid` with its
true notes; a piano's `.flac` beside a `.tsv` of onset, offset, pitch and velocity), on the pieces of
`benchmarks.corpora.etudes`, and on random pieces for other instruments, which were not used for tuning
(`benchmarks.corpora.random_pieces`); drums by onsets within 50 ms. basic-pitch runs the same network on the same file;
its `predict` keeps its defaults. A third column is an earlier version of the bridge.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora.etudes import drum_etudes, etudes
from benchmarks.corpora.random_pieces import random_etudes
from benchmarks.corpora.synthesis import missing
from benchmarks.quality.earlier_version import PEER as EARLIER
from benchmarks.quality.earlier_version import notes_of_earlier
from benchmarks.quality.expression import Edge, Expression, edges, expressions
from benchmarks.quality.note_scores import (
    ONSET_SECONDS,
    Ours,
    Peer,
    Quality,
    Sample,
    plain,
    quality,
    recordings,
    rendered_samples,
)
from benchmarks.speed.note_speed import Timing, timings
from bridge.model import Note

DEFAULT_AUDIO = Path("../shared/audio/notes")
OURS, PEER = "ours", "basic-pitch"
#: GM keys that count as each of the three drums.
DRUMS = {"kick": (35, 36), "snare": (38, 40), "hat": (42, 44, 46)}
REPEATS = 3
HELD_OUT_SEED = 12


@dataclass(frozen=True)
class DrumQuality:
    """Onset F1 of each drum of one pattern; None where the pattern has none and none was found."""

    piece: str
    kick: float | None
    snare: float | None
    hat: float | None


@dataclass(frozen=True)
class Target:
    """One target and its measured value."""

    what: str
    wanted: str
    measured: str
    met: bool


def drum_quality(sample: Sample, found: Iterable[Note]) -> DrumQuality:
    from mir_eval.onset import f_measure

    hits = list(found)
    scores: dict[str, float | None] = {}
    for drum, keys in DRUMS.items():
        true = np.array(sorted({onset for onset, _, pitch, _ in sample.notes if pitch in keys}))
        estimated = np.array(sorted({note.onset_seconds for note in hits if note.pitch in keys}))
        if len(true) and len(estimated):
            scores[drum] = round(float(f_measure(true, estimated, window=ONSET_SECONDS)[0]), 3)
        else:
            scores[drum] = 0.0 if len(true) or len(estimated) else None
    return DrumQuality(sample.name, **scores)


def targets(
    rows: Sequence[Quality], moving: Sequence[Expression], found: Sequence[Edge], times: Sequence[Timing]
) -> list[Target]:
    """The transcriber's targets with the measured values."""
    reached = [Target(edge.what, "found", "found" if edge.found else "missed", edge.found) for edge in found]
    for group in dict.fromkeys(row.group for row in rows):
        ours, peer = (_of(rows, group, side) for side in (OURS, PEER))
        above = [one.f1 - other.f1 for one, other in zip(ours, peer, strict=True)]
        with_offsets = [one.f1_with_offsets - other.f1_with_offsets for one, other in zip(ours, peer, strict=True)]
        ranks = [row.velocity_rank for row in ours if row.velocity_rank is not None]
        reached.append(_at_least(f"{group}: mean F1 above the peer's", 0.08, statistics.mean(above)))
        reached.append(_at_least(f"{group}: least F1 above the peer's", -0.02, min(above)))
        reached.append(_at_least(f"{group}: mean F1 with offsets above", 0.08, statistics.mean(with_offsets)))
        for earlier in {row.engine for row in rows} - {OURS, PEER}:
            gain = _mean_f1(ours) - _mean_f1(_of(rows, group, earlier))
            reached.append(_at_least(f"{group}: mean F1 above {earlier}'s", -0.01, gain))
        if group == "held out" and ranks:
            reached.append(_at_least(f"{group}: mean rank correlation of velocities", 0.7, statistics.mean(ranks)))
    for kind in ("vibrato", "slide"):
        worst = max((row.rms_cents for row in moving if row.piece.startswith(kind)), default=0.0)
        reached.append(Target(f"{kind}: worst error, rms", "≤ 20 cents", f"{worst:.1f}", worst <= 20))
    pieces = max((row.notes for row in moving if row.piece.startswith("vibrato")), default=1)
    reached.append(Target("vibrato: notes for one", "1", str(pieces), pieces == 1))
    for time in times:
        if "warm" in time.what:
            reached.append(Target(time.what, "≤ 1.2 s", f"{time.ours:.2f}", time.ours <= 1.2))
        else:
            share = time.ours / time.basic_pitch
            reached.append(Target(f"{time.what}, share of the peer's", "≤ 0.60", f"{share:.2f}", share <= 0.6))
    return reached


def _of(rows: Iterable[Quality], group: str, engine: str) -> list[Quality]:
    return [row for row in rows if (row.group, row.engine) == (group, engine)]


def _mean_f1(rows: Iterable[Quality]) -> float:
    return statistics.mean(row.f1 for row in rows)


def _at_least(what: str, least: float, measured: float) -> Target:
    return Target(what, f"≥ {least:+.2f}", f"{measured:+.3f}", measured >= least - 5e-4)


def print_targets(rows: Sequence[Target]) -> None:
    print(f"\n{'target':54}{'wanted':>12}{'measured':>10}")
    for row in rows:
        print(f"{row.what:54}{row.wanted:>12}{row.measured:>10}  {'' if row.met else 'missed'}")


def print_quality(rows: Sequence[Quality]) -> None:
    engines = [*dict.fromkeys(row.engine for row in rows)]
    print(f"{'note F1 (onset; with offset)':44}" + "".join(f"{engine:>16}" for engine in engines) + "   velocity rank")
    for group, piece in dict.fromkeys((row.group, row.piece) for row in rows):
        found = {row.engine: row for row in rows if (row.group, row.piece) == (group, piece)}
        cells = [f"{row.f1:.2f} / {row.f1_with_offsets:.2f}" for row in map(found.__getitem__, engines)]
        rank = found[OURS].velocity_rank
        print(_line(f"{group}: {piece}", [*cells, "–" if rank is None else str(rank)]))
    for group in dict.fromkeys(row.group for row in rows):
        sides = [_of(rows, group, engine) for engine in engines]
        means = [(_mean_f1(side), statistics.mean(row.f1_with_offsets for row in side)) for side in sides]
        print(_line(f"mean of {group}", [f"{f1:.3f} / {with_offsets:.3f}" for f1, with_offsets in means]))


def _line(name: str, cells: Iterable[str]) -> str:
    return name[:43].ljust(44) + "".join(f"{cell:>16}" for cell in cells)


def print_drums(rows: Sequence[DrumQuality]) -> None:
    print(f"\n{'drum onset F1':34}" + "".join(f"{drum:>8}" for drum in DRUMS))
    for row in rows:
        scores = [getattr(row, drum) for drum in DRUMS]
        print(f"{row.piece:34}" + "".join(f"{'–' if score is None else f'{score:.2f}':>8}" for score in scores))
    means = [statistics.mean([score for row in rows if (score := getattr(row, drum)) is not None]) for drum in DRUMS]
    print(f"{'mean':34}" + "".join(f"{mean:8.2f}" for mean in means))


def print_timings(rows: Sequence[Timing]) -> None:
    print(f"\n{'seconds, median':34}{OURS:>10}{PEER:>14}{'ratio':>8}")
    for row in rows:
        print(f"{row.what:34}{row.ours:10.2f}{row.basic_pitch:14.2f}{row.ratio:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Note F1 and speed beside basic-pitch.")
    parser.add_argument(
        "--audio", type=Path, default=DEFAULT_AUDIO, help="a folder of .wav files, each with a .mid beside it"
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--no-speed", action="store_true", help="do not measure speed")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="number of timed runs; the median counts")
    parser.add_argument("--beside", default=EARLIER, help="an earlier version, by its commit; empty for none")
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED, help="seed of the random pieces")
    parser.add_argument("--extras", action="store_true", help="use the transcribers of installed extras")
    arguments = parser.parse_args()
    ours, peer = Ours(arguments.extras), Peer()
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = list(recordings(arguments.audio)) if arguments.audio.is_dir() else []
        if not samples:
            left_out.append("recordings: none was given with --audio")
        drums: list[Sample] = []
        if problem := missing():
            left_out.append(f"rendered pieces and drums: {problem}")
        else:
            drums = rendered_samples(drum_etudes(), folder, "drums")
            samples += rendered_samples(etudes(), folder, "etude")
            samples += rendered_samples(random_etudes(arguments.seed), folder, "held out")
        if not samples:
            raise SystemExit("Nothing to measure: " + "; ".join(left_out))
        qualities = []
        for sample in samples:
            qualities.append(quality(sample, OURS, plain(ours(sample.path, sample.as_stem))))
            qualities.append(quality(sample, PEER, peer(sample.path)))
        earlier = notes_of_earlier(samples, arguments.beside) if arguments.beside else []
        if earlier is None:
            left_out.append(f"{arguments.beside}: git has no such version here")
        for sample, notes in zip(samples, earlier or [], strict=False):
            qualities.append(quality(sample, arguments.beside, notes))
        drum_rows = [drum_quality(sample, ours(sample.path, "drums")) for sample in drums]
        moving, found = expressions(ours), edges(ours)
        times = [] if arguments.no_speed else timings(samples, ours, peer, folder, arguments.repeats)
    reached = targets(qualities, moving, found, times)
    if arguments.json:
        speed = [{**asdict(row), "ratio": round(row.ratio, 2)} for row in times]
        parts: dict[str, Sequence[Any]] = {
            "notes": qualities,
            "drums": drum_rows,
            "bends": moving,
            "edges": found,
            "targets": reached,
        }
        report = {part: [asdict(row) for row in rows] for part, rows in parts.items()}
        print(json.dumps({**report, "speed": speed, "left_out": left_out}, indent=2))
        return
    print_quality(qualities)
    if drum_rows:
        print_drums(drum_rows)
    if times:
        print_timings(times)
    print_targets(reached)
    for reason in left_out:
        print(f"left out – {reason}")


if __name__ == "__main__":
    main()
