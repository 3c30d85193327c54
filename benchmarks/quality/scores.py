"""Reads scores back: MuseScore and partitura must find every note of the clean MIDI file at its place.

    sab process song.wav --reading clean --score
    python -m benchmarks.quality.scores stems/song [--pictures FOLDER]

Each folder holds the results of such a job. With `--pictures` MuseScore draws the scores, to be looked at. It needs the
command mscore3 (Debian: musescore3).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.music.written_grid import QUARTER
from bridge.score.musicxml import SWING
from bridge.stems import DRUM_CHANNEL

PROGRAM = "mscore3"
#: How often each (position from the first note, in 24ths of a quarter; pitch or drum's key) occurs.
Places = Counter[tuple[int, int]]


def from_first(notes: Iterable[tuple[float, int]]) -> Places:
    found = [*notes]
    first = min((position for position, _ in found), default=0)
    return Counter((round(position - first), pitch) for position, pitch in found)


def in_order(places: Places) -> Places:
    """The places with their order instead of positions: swung notes are written elsewhere than they sound."""
    order = {position: rank for rank, position in enumerate(sorted({position for position, _ in places}))}
    return Counter({(order[position], pitch): count for (position, pitch), count in places.items()})


def in_midi(path: Path, *, with_drums: bool = True) -> Places:
    file = mido.MidiFile(str(path))
    notes = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity and (with_drums or message.channel != DRUM_CHANNEL):
                notes.append((QUARTER * now / file.ticks_per_beat, message.note))
    return from_first(notes)


def by_musescore(score: Path, folder: Path) -> Places:
    converted = folder / "back.mid"
    run_musescore(score, converted)
    return in_midi(converted)


def run_musescore(score: Path, to: Path, *options: str) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run([PROGRAM, *options, "-o", str(to), str(score)], check=True, capture_output=True, env=environment)


def by_partitura(score: Path, folder: Path) -> Places:
    """The notes of the parts with pitches: partitura 1.9 fails on chords of drums."""
    tree = ElementTree.parse(score)
    for part in tree.findall("part"):
        if part.find("measure/attributes/clef[sign='percussion']") is not None:
            tree.getroot().remove(part)
            names = tree.find("part-list")
            assert names is not None
            names.remove(next(name for name in names if name.get("id") == part.get("id")))
    pitched = folder / "pitched.musicxml"
    tree.write(pitched)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import partitura

        parts = partitura.load_musicxml(str(pitched)).parts
    notes = (note for part in parts for note in part.notes_tied)
    return from_first((float(note.start.t), int(note.midi_pitch)) for note in notes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores read back by two other programs.")
    parser.add_argument("folders", type=Path, nargs="+", help="folders of results with a .musicxml and its clean .mid")
    parser.add_argument("--pictures", type=Path, help="where MuseScore's pictures go")
    arguments = parser.parse_args()
    print(f"{'score':32}{'notes':>7}{'bars':>6}{'MuseScore':>12}{'partitura':>12}")
    for folder in arguments.folders:
        (score,) = folder.glob("*.musicxml")
        together = folder / f"{score.stem}.mid"
        (path,) = [together] if together.exists() else folder.glob("*.mid")
        written, pitched = in_midi(path), in_midi(path, with_drums=False)
        bars = len(ElementTree.parse(score).findall("part[1]/measure"))
        with tempfile.TemporaryDirectory() as scratch:
            pairs = [
                (written, by_musescore(score, Path(scratch))),
                (pitched, by_partitura(score, Path(scratch))),
            ]
        if ElementTree.parse(score).findtext(".//words") == SWING:
            pairs = [(in_order(true), in_order(found)) for true, found in pairs]
        words = ["equal" if found == true else f"{sum((true - found).values())} missing" for true, found in pairs]
        print(f"{score.stem:32}{sum(written.values()):7}{bars:6}{words[0]:>12}{words[1]:>12}")
        if arguments.pictures is not None:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            run_musescore(score, arguments.pictures / f"{score.stem}.png", "-r", "80")


if __name__ == "__main__":
    main()
