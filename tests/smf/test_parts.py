"""Notes that were written to a file are read back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest

from bridge.errors import NotReadable
from bridge.model import Bend, Note
from bridge.smf.parts import read_parts
from bridge.smf.writing import midi_file

BASS = (
    Note(onset_seconds=0.5, offset_seconds=1.0, pitch=40, velocity=100),
    Note(onset_seconds=1.5, offset_seconds=2.5, pitch=43, velocity=80, bends=(Bend(time_seconds=2.0, semitones=1.0),)),
)
DRUMS = (Note(onset_seconds=0.25, offset_seconds=0.3, pitch=36, velocity=127),)


def close(one: Note, other: Note) -> bool:
    return (
        (one.pitch, one.velocity, len(one.bends)) == (other.pitch, other.velocity, len(other.bends))
        and one.onset_seconds == pytest.approx(other.onset_seconds, abs=0.001)
        and one.offset_seconds == pytest.approx(other.offset_seconds, abs=0.001)
        and all(
            a.time_seconds == pytest.approx(b.time_seconds, abs=0.001)
            and a.semitones == pytest.approx(b.semitones, abs=0.01)
            for a, b in zip(one.bends, other.bends, strict=True)
        )
    )


@pytest.mark.parametrize("bends", ["single", "mpe"])
def test_a_part_for_each_track_with_its_bends(tmp_path: Path, bends: Literal["single", "mpe"]) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(midi_file({"bass": BASS, "drums": DRUMS}, seconds=3.0, tempo_bpm=97.0, bends=bends))
    bass, drums = read_parts(path)
    assert (bass.name, bass.is_drums, drums.name, drums.is_drums) == ("Bass", False, "Drums", True)
    assert all(close(read, written) for read, written in zip(bass.notes, BASS, strict=True))
    assert all(close(read, written) for read, written in zip(drums.notes, DRUMS, strict=True))


def test_tempi_of_another_track_count_and_a_note_without_end_ends_with_its_track(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=100)
    file.tracks.append(
        mido.MidiTrack(
            [mido.MetaMessage("set_tempo", tempo=1_000_000), mido.MetaMessage("set_tempo", tempo=500_000, time=100)]
        )
    )
    file.tracks.append(
        mido.MidiTrack([mido.Message("note_on", note=60, time=200), mido.Message("control_change", time=100)])
    )
    file.save(tmp_path / "two.mid")
    ((note,),) = (part.notes for part in read_parts(tmp_path / "two.mid"))
    assert (note.onset_seconds, note.offset_seconds) == (1.5, 2.0)


def test_what_is_no_midi_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_bytes(b"RIFF")
    with pytest.raises(NotReadable):
        read_parts(tmp_path / "x.mid")
