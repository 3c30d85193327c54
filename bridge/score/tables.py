"""Notes as text for other programs: CSV, one line per note, and JSON.

The columns: `onset_seconds`, `offset_seconds` (from the clip's start), `pitch` (MIDI number), `name` (`C4` is 60; for
drums the drum's name), `velocity` (1–127), `confidence` (0–1), `bends`: times with the bend from then on, in CSV as
`seconds:semitones` separated by spaces, in JSON as objects.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from bridge.model import Music, Note
from bridge.score.names import drum_name, note_name
from bridge.stems import stem_of

COLUMNS = ("onset_seconds", "offset_seconds", "pitch", "name", "velocity", "confidence", "bends")
#: A microsecond; a tenth of a cent or less.
SECONDS_PLACES, OTHER_PLACES = 6, 3


def note_table(kind: str, notes: Sequence[Note], *, stem: str, music: Music) -> bytes:
    """The notes of a stem as `csv` or `json`, in UTF-8."""
    rows = [_row(note, stem, music.key) for note in notes]
    if kind == "csv":
        return _csv(rows)
    table = {"stem": stem, "music": music, "notes": rows}
    return msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n"


def _row(note: Note, stem: str, key: str) -> dict[str, object]:
    return {
        "onset_seconds": round(note.onset_seconds, SECONDS_PLACES),
        "offset_seconds": round(note.offset_seconds, SECONDS_PLACES),
        "pitch": note.pitch,
        "name": drum_name(note.pitch) if not stem_of(stem).is_pitched else note_name(note.pitch, key),
        "velocity": note.velocity,
        "confidence": round(note.confidence, OTHER_PLACES),
        "bends": [
            {"seconds": round(bend.time_seconds, SECONDS_PLACES), "semitones": round(bend.semitones, OTHER_PLACES)}
            for bend in note.bends
        ],
    }


def _csv(rows: Sequence[dict[str, object]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")  # RFC 4180
    writer.writeheader()
    for row in rows:
        bends = row["bends"]
        assert isinstance(bends, list)
        words = " ".join(f"{bend['seconds']}:{bend['semitones']}" for bend in bends)
        writer.writerow({**row, "bends": words})
    return file.getvalue().encode()
