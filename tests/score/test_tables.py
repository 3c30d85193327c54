from __future__ import annotations

import csv
import io
import json

from bridge.model import Bend, Music, Note
from bridge.score.tables import COLUMNS, note_table

MUSIC = Music(tempo_bpm=98.5, tempo_source="estimated", tempo_confidence=0.8, key="Bb major", key_margin=0.1)
BENT = Note(
    onset_seconds=1 / 3, offset_seconds=123.4567894, pitch=58, velocity=90, confidence=0.98765,
    bends=(Bend(time_seconds=1 / 3, semitones=-0.25), Bend(time_seconds=100.5, semitones=0.125)),
)  # fmt: skip


def test_a_table_has_one_line_per_note() -> None:
    (row,) = csv.DictReader(io.StringIO(note_table("csv", [BENT], stem="vocals", music=MUSIC).decode()))
    assert tuple(row) == COLUMNS
    assert row == {
        "onset_seconds": "0.333333", "offset_seconds": "123.456789", "pitch": "58", "name": "Bb3", "velocity": "90",
        "confidence": "0.988", "bends": "0.333333:-0.25 100.5:0.125",
    }  # fmt: skip


def test_drums_have_their_names() -> None:
    table = json.loads(note_table("json", [BENT], stem="drums", music=MUSIC))
    assert table["notes"][0]["name"] == "Vibraslap"


def test_json_also_has_the_music() -> None:
    table = json.loads(note_table("json", [BENT], stem="bass", music=MUSIC))
    assert (table["stem"], table["music"]["tempo_bpm"], table["music"]["key"]) == ("bass", 98.5, "Bb major")
    (row,) = table["notes"]
    assert row["bends"][1] == {"seconds": 100.5, "semitones": 0.125}
    assert tuple(row) == COLUMNS


def test_no_notes_are_an_empty_table() -> None:
    assert note_table("csv", [], stem="bass", music=MUSIC).decode().split() == [",".join(COLUMNS)]
    assert json.loads(note_table("json", [], stem="bass", music=MUSIC))["notes"] == []
