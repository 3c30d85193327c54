"""A real DAW imports what we write."""

from __future__ import annotations

import re
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest

from bridge.smf.writing import midi_file
from tests.end_to_end.ardour_import import imported, missing
from tests.test_mpe import PARTS

pytestmark = [pytest.mark.end_to_end, pytest.mark.ardour]


def quarters(path: Path, track: int) -> list[tuple[float, float, int, int]]:
    """Onset and length in quarter notes, pitch and velocity of every note of one track."""
    file = mido.MidiFile(path)
    tick, sounding, notes = 0, {}, []
    for message in file.tracks[track]:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = (tick / file.ticks_per_beat, message.velocity)
        elif message.type in ("note_on", "note_off"):
            onset, velocity = sounding.pop(message.note)
            notes.append((onset, tick / file.ticks_per_beat - onset, message.note, velocity))
    return sorted(notes)


@pytest.mark.skipif(bool(missing()), reason=f"not installed here: {', '.join(missing())} (Debian: ardour, xvfb)")
def test_ardour_imports_the_same_notes_tempo_and_names(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    parts = {stem: notes for stem, notes in PARTS.items() if notes}
    path.write_bytes(midi_file(parts, seconds=2.0, tempo_bpm=98.5, metre=(3, 4)))
    session = imported(tmp_path, path)
    saved = (session / "song.ardour").read_text()
    (tempo,) = re.findall(r'<Tempo npm="([^"]*)"', saved)
    assert float(tempo) == pytest.approx(98.5, abs=1e-4)
    assert '<Meter note-value="4" divisions-per-bar="3"' in saved
    names = {re.sub(r"^song\.|-\d+$", "", name) for name in re.findall(r'<Region [^>]*name="([^"]*)"', saved)}
    assert names == {"Vocals", "Drums", "Bass"}
    for number, stem in enumerate(parts, start=1):
        (file,) = session.glob(f"interchange/*/midifiles/song.{stem.capitalize()}-*.mid")
        there, wanted = quarters(file, 0), quarters(path, number)
        assert [note[2:] for note in there] == [note[2:] for note in wanted]
        for one, other in zip(there, wanted, strict=True):
            assert one[:2] == pytest.approx(other[:2], abs=1 / 960 / 2)
