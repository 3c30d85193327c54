"""Notes played live against the final ones: `python -m benchmarks.quality.live_notes [--audio FOLDER] [--json]`.

Each stem is given to its transcriber's stream in blocks, and what that plays is compared with the notes of the whole:
an onset agrees if the other side has one of the same pitch within 10 ms. Stems: the recordings of a folder, each as its
own stem; its music, separated by the draft engine; and twelve rendered songs, separated by it too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import soundfile

from benchmarks.corpora.songs import songs
from benchmarks.corpora.synthesis import RATE_HZ, missing
from benchmarks.quality.separation import drafted, mixed, recorded_stems, rendered_song
from bridge.audio.resample import mono, resampled
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.request import NoteSettings
from bridge.transcription.registry import EXTRAS, FACTORIES, TranscriberRegistry

if TYPE_CHECKING:
    from bridge.protocols import Samples

DEFAULT_AUDIO = Path("../shared/audio")
SAME_SECONDS, NEAR_VELOCITY = 0.01, 8
BLOCK_SECONDS = (6.0, 16.0, 2.0)
#: The first of `songs`, which have all kinds of stems.
SONGS = 12
AIM, VELOCITY_AIM = 0.97, 0.95
#: A piece's name, what its mix is, its stems, and the rate of all.
Piece = tuple[str, "Samples", Mapping[str, "Samples"], int]


@dataclass(frozen=True)
class Agreement:
    """One stem in blocks of one length."""

    piece: str
    stem: str
    block_seconds: float
    final: int
    """Notes of the whole."""
    live: int
    """Notes that were played."""
    agreeing: int
    near: int
    """Agreeing notes whose velocity is at most 8 away."""
    first_seconds: float
    """`until_seconds` of the first advance."""
    longest_ms: float
    """Of all advances but the last."""
    work_share: float
    """The time of all advances, as a share of that of analysing the whole and its notes."""
    same_analysis: bool


class Streams:
    """The transcribers of a plain installation."""

    def __init__(self) -> None:
        plain = {stem: FACTORIES["other"] if factory in EXTRAS else factory for stem, factory in FACTORIES.items()}
        self._transcribers = TranscriberRegistry(plain)

    def agreements(self, piece: Piece, blocks: Iterable[float]) -> Iterator[Agreement]:
        name, mix, stems, rate = piece
        for stem, samples in stems.items():
            yield from self._of_stem(name, stem, samples, ArraySignal(mix, rate), blocks)

    def _of_stem(
        self, name: str, stem: str, samples: Samples, mix: ArraySignal, blocks: Iterable[float]
    ) -> Iterator[Agreement]:
        transcriber, settings = self._transcribers.for_stem(stem), NoteSettings()
        converted = resampled(mono(ArraySignal(samples, mix.sample_rate_hz)), transcriber.sample_rate_hz)
        audio = ArraySignal(converted.read(0, converted.frames), converted.sample_rate_hz)
        began = time.perf_counter()
        analysis = transcriber.analyse(audio, stem, NullControl())
        final = transcriber.notes(analysis, stem, settings)
        plainly = time.perf_counter() - began
        packed, clip_seconds = transcriber.pack(analysis), audio.frames / audio.sample_rate_hz
        for block in blocks:
            stream = transcriber.stream(audio, stem, settings, NullControl(), mix)
            live: dict[tuple[int, float], Note] = {}
            first, times = None, [0.0]
            for number in range(1, int(clip_seconds // block) + 2):
                began = time.perf_counter()
                notes, until = stream.advance(min(number * block, clip_seconds))
                times.append(time.perf_counter() - began)
                first = until if first is None else first
                live.update({(note.pitch, note.onset_seconds): note for note in notes})
            pairs = matched(final, list(live.values()))
            near = sum(abs(one.velocity - other.velocity) <= NEAR_VELOCITY for one, other in pairs)
            share = sum(times) / plainly
            longest = 1000 * max(times[:-1])
            same = transcriber.pack(stream.analysis()) == packed
            yield Agreement(
                name, stem, block, len(final), len(live), len(pairs), near, first or 0.0, longest, share, same
            )


def matched(final: Sequence[Note], live: Sequence[Note]) -> list[tuple[Note, Note]]:
    """Pairs of one pitch whose onsets are at most 10 ms apart, the nearest first."""
    by_pitch: dict[int, list[Note]] = {}
    for note in live:
        by_pitch.setdefault(note.pitch, []).append(note)
    candidates = [
        (abs(other.onset_seconds - note.onset_seconds), index, number)
        for index, note in enumerate(final)
        for number, other in enumerate(by_pitch.get(note.pitch, ()))
        if abs(other.onset_seconds - note.onset_seconds) <= SAME_SECONDS
    ]
    pairs, taken = {}, set()
    for _, index, number in sorted(candidates):
        if index not in pairs and (final[index].pitch, number) not in taken:
            taken.add((final[index].pitch, number))
            pairs[index] = (final[index], by_pitch[final[index].pitch][number])
    return list(pairs.values())


def pieces(audio: Path | None) -> Iterator[Piece]:
    """What is measured."""
    if audio is not None:
        for path, stem in (
            *((path, "other") for path in sorted(audio.glob("notes/*.wav"))),
            *((path, "piano") for path in sorted(audio.glob("notes/*.flac"))),
            *((path, "drums") for path in sorted(audio.glob("drums/*.flac"))),
        ):
            samples, rate = _read(path)
            yield path.stem, samples, {stem: samples}, rate
        for folder in sorted(path for path in audio.glob("stems/*") if path.is_dir()):
            read = {path.stem: _read(path) for path in sorted(folder.glob("*.flac"))}
            mix, rate = read["mix"]
            yield folder.name, mix, {stem: samples for stem, (samples, _) in read.items()}, rate
        for path in sorted(audio.glob("stems/*.mp4")):
            stems, rate = recorded_stems(path)
            yield path.name.split(".")[0], mixed(stems), stems, rate
        for path in sorted(audio.glob("music/*.ogg")):
            samples, rate = _read(path)
            yield path.stem, samples, drafted(samples, rate), rate
    if missing() is None:
        for song in songs()[:SONGS]:
            mix = mixed(rendered_song(song))
            yield song.name, mix, drafted(mix, RATE_HZ), RATE_HZ


def _read(path: Path) -> tuple[Samples, int]:
    return soundfile.read(str(path), dtype="float32", always_2d=True)  # type: ignore[no-any-return]


def print_table(rows: Sequence[Agreement]) -> None:
    names = ("final", "live", "found", "right", "velocity", "first", "ms")
    print(f"{'piece, stem':40}{'block':>6}" + "".join(f"{name:>9}" for name in names))
    for row in rows:
        _print_row(f"{row.piece[:30]}, {row.stem}", row.block_seconds, [row])
    print()
    for block in dict.fromkeys(row.block_seconds for row in rows):
        of_block = [row for row in rows if row.block_seconds == block]
        for stem in sorted({row.stem for row in of_block}):
            _print_row(f"all of {stem}", block, [row for row in of_block if row.stem == stem])
        _print_row("all", block, of_block)
        work = sum(row.work_share for row in of_block) / len(of_block)
        print(f"blocks of {block:g} s: work beside the plain one {work:.2f}; "
              f"analyses that differ: {sum(not row.same_analysis for row in of_block)}")  # fmt: skip


def _print_row(name: str, block: float, rows: Sequence[Agreement]) -> None:
    final, live, agreeing, near = (
        sum(getattr(row, of) for row in rows) for of in ("final", "live", "agreeing", "near")
    )
    shares = (agreeing / max(1, final), agreeing / max(1, live), near / max(1, agreeing))
    cells = "".join(f"{100 * share:9.1f}" for share in shares)
    first, longest = min(row.first_seconds for row in rows), max(row.longest_ms for row in rows)
    print(f"{name:40}{block:6g}{final:9}{live:9}{cells}{first:9.2f}{longest:9.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Notes played live against those of the final file.")
    parser.add_argument("--audio", type=Path, default=DEFAULT_AUDIO, help="a folder of recordings")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    streams = Streams()
    found = pieces(arguments.audio if arguments.audio.is_dir() else None)
    rows = [row for piece in found for row in streams.agreements(piece, BLOCK_SECONDS)]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print_table(rows)


if __name__ == "__main__":
    main()
