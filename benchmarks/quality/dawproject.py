"""DAWprojects: valid by the published schemas, and read back equal to the MIDI files and the manifest beside them.

    git clone https://github.com/bitwig/dawproject
    sab process song.wav --dawproject --bends mpe
    python -m benchmarks.quality.dawproject --schema dawproject stems/song …

Each folder holds the results of such a job. The schemas' facts in `tests/support/dawproject_schema.py` are asked too:
about the projects, and about `--broken` copies of each in which an attribute, a value or a child is changed. `missed`
are copies that only the schema refuses; `stricter`, those that only the table does: what an IDREF names must be there,
which libxml2 does not check, and a time must be a number, where the schema has a string. It needs lxml (`make bench`).
"""

from __future__ import annotations

import argparse
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import mido  # type: ignore[import-untyped]  # it ships no types
import soundfile
from lxml import etree

from bridge.pipeline.manifest import Manifest, manifest_at
from bridge.stems import KIT_TABLE, OPPOSITE_TABLE, label_of, stem_of
from bridge.units import TICKS_PER_QUARTER
from tests.support.dawproject_reader import DawProject, ReadNote
from tests.support.dawproject_schema import problems

#: A wheel's step as MPE has it, in semitones.
WHEEL_STEP = 48 / 8192
#: What a manifest's tempo and the project's may differ by: a MIDI file rounds to a microsecond.
TEMPO_TOLERANCE = 1e-5


class Schema:
    """A published schema."""

    def __init__(self, path: Path) -> None:
        self._schema = etree.XMLSchema(etree.parse(path))

    def is_valid(self, root: Element) -> bool:
        return bool(self._schema.validate(etree.fromstring(ElementTree.tostring(root))))


@dataclass
class Found:
    """What was compared in one project."""

    notes: int = 0
    bends: int = 0
    stems: int = 0
    worst_seconds: float = 0.0
    """The largest distance of a note in seconds, through the project's tempi, from the MIDI file's."""


def compared(folder: Path) -> Found:
    """Compares a project with the MIDI files and the manifest beside it.

    Raises:
        AssertionError: something differs.
    """
    manifest = manifest_at(folder)
    project, found = DawProject(folder / f"{manifest.name}.dawproject"), Found()
    music = manifest.music
    assert music is not None and project.metre == music.time_signature
    assert abs(project.tempo_bpm / music.tempo_bpm - 1) < TEMPO_TOLERANCE
    assert bool(music.tempo_map) == (len(project.tempi) > 1)
    chords = [chord.name for chord in manifest.chords]
    assert [name for _, name in project.markers if name != "N.C."] == chords
    start = _compare_stems(folder, manifest, project, found)
    for result in manifest.results:
        if result.kind == "midi" and result.is_part:
            track = project.track(f"{label_of(result.name)} MIDI")
            assert track.colour == stem_of(result.name).colour
            _compare_notes(folder / result.file, [*track.notes], project, start, found)
    return found


def _compare_stems(folder: Path, manifest: Manifest, project: DawProject, found: Found) -> float:
    """Returns where the clip starts, in quarter notes."""
    (start,) = {float(clip.attrib["time"]) for clip in project.project.iterfind("Arrangement/Lanes/Lanes/Clips/Clip")}
    for result in (result for result in manifest.results if result.kind == "stem"):
        other = OPPOSITE_TABLE.get(result.name) or KIT_TABLE.get(result.name)
        track = project.track(label_of(result.name))
        assert track.colour == (stem_of(result.name) if other is None else other).colour
        (audio,) = track.audio
        assert abs(audio.start_seconds - project.seconds(start)) < 1e-6 and not audio.is_stretched
        info = soundfile.info(folder / result.file)
        assert (round(audio.file_seconds * audio.sample_rate_hz), audio.sample_rate_hz, audio.channels) == (
            info.frames, info.samplerate, info.channels,
        )  # fmt: skip
        found.stems += 1
    return start


def _compare_notes(path: Path, read: list[ReadNote], project: DawProject, start: float, found: Found) -> None:
    expected, wheels = _notes_of(path)
    read.sort(key=lambda note: (round((note.time - start) * TICKS_PER_QUARTER), note.key))
    begin = project.seconds(start)
    assert len(read) == len(expected), path
    for note, (tick, length, seconds, key, velocity, channel) in zip(read, expected, strict=True):
        at = round((note.time - start) * TICKS_PER_QUARTER)
        have = (at, round(note.duration * TICKS_PER_QUARTER), note.key, round(note.velocity * 127))
        assert have == (tick, length, key, velocity), path
        found.worst_seconds = max(found.worst_seconds, abs(project.seconds(note.time) - begin - seconds))
        for time, semitones in note.bends:
            place = at + round(time * TICKS_PER_QUARTER)
            sent = [value for when, value in wheels.get(channel, []) if when <= place]
            assert abs((sent[-1] if sent else 0) * WHEEL_STEP - semitones) <= 0.51 * WHEEL_STEP, path
            found.bends += 1
    found.notes += len(read)


def _notes_of(
    path: Path,
) -> tuple[list[tuple[int, int, float, int, int, int]], dict[int, list[tuple[int, int]]]]:
    """Tick, length, seconds, pitch, velocity and channel of each note, and each channel's wheel by tick."""
    file = mido.MidiFile(path)
    notes, sounding, tick, seconds, tempo = [], {}, 0, 0.0, 500_000
    wheels: dict[int, list[tuple[int, int]]] = {}
    for message in mido.merge_tracks(file.tracks):
        tick, seconds = tick + message.time, seconds + message.time * tempo / 1e6 / file.ticks_per_beat
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "pitchwheel":
            wheels.setdefault(message.channel, []).append((tick, message.pitch))
        elif message.type == "note_on":
            sounding[message.channel, message.note] = tick, seconds, message.velocity
        elif message.type == "note_off":
            on, at, velocity = sounding.pop((message.channel, message.note))
            notes.append((on, tick - on, at, message.note, velocity, message.channel))
    return sorted(notes, key=lambda note: (note[0], note[3])), wheels


def broken(root: Element, chance: random.Random) -> Iterator[Element]:
    """Copies of a document with one thing changed in each, which may or may not make it invalid."""
    while True:
        changed = copy.deepcopy(root)
        element = chance.choice([*changed.iter()])
        match chance.randrange(5):
            case 0 if element.attrib:
                name = chance.choice([*element.attrib])
                element.attrib[name] = chance.choice(["", "1", "x", "-0.5", "beats", "id0", "true"])
            case 1 if element.attrib:
                del element.attrib[chance.choice([*element.attrib])]
            case 2 if len(element):
                element.remove(chance.choice([*element]))
            case 3 if len(element) > 1:
                element.append(copy.deepcopy(chance.choice([*element])))
            case 4:
                element.set(chance.choice(["name", "id", "time", "value", "track"]), chance.choice(["a", "id1", "2"]))
            case _:
                continue
        yield changed


def main() -> None:
    parser = argparse.ArgumentParser(description="DAWprojects, by the published schemas and read back.")
    parser.add_argument("folders", type=Path, nargs="+", help="folders of results with a .dawproject, made with mpe")
    parser.add_argument("--schema", type=Path, required=True, help="the folder with Project.xsd and MetaData.xsd")
    parser.add_argument("--broken", type=int, default=200, help="broken copies of each project")
    arguments = parser.parse_args()
    schema, metadata = (Schema(arguments.schema / name) for name in ("Project.xsd", "MetaData.xsd"))
    print("project                     valid  stems  notes   bends     worst refused  missed  stricter")
    for folder in arguments.folders:
        (path,) = folder.glob("*.dawproject")
        project = DawProject(path)
        valid = schema.is_valid(project.project) and metadata.is_valid(project.metadata)
        assert valid == (problems(project.project) == problems(project.metadata) == []), path
        found = compared(folder)
        copies = islice(broken(project.project, random.Random(1)), arguments.broken)
        verdicts = [(schema.is_valid(one), problems(one) == []) for one in copies]
        refused = sum(not theirs for theirs, _ in verdicts)
        missed = sum(ours and not theirs for theirs, ours in verdicts)
        stricter = sum(theirs and not ours for theirs, ours in verdicts)
        print(
            f"{path.stem:28}{'yes' if valid else 'NO':>7}{found.stems:>7}{found.notes:>7}{found.bends:>8}"
            f"{found.worst_seconds * 1e3:>7.3f} ms{refused:>8}{missed:>8}{stricter:>10}"
        )


if __name__ == "__main__":
    main()
