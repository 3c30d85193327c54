"""`sab notes`: draws the notes of a MIDI file or of a job's results in the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli import shared
from bridge.cli.output.console import PlainConsole
from bridge.cli.output.terminal import output_encoding, write_json, write_line, write_note
from bridge.drawing.colours import RollColours
from bridge.drawing.draw import MARGIN, draw_roll
from bridge.drawing.roll import Roll, RollWindow, parts_of
from bridge.errors import BadArguments, NotFound
from bridge.model import Note
from bridge.options.paths import is_folder
from bridge.pipeline.manifest import ENDING, Manifest, manifest_at
from bridge.smf.notes import FileNotes, notes_of_file
from bridge.stems import label_of
from bridge.units import clock_text

#: Cells for a second, where nothing else is said, and the shortest stretch that a line shows.
CELLS_A_SECOND, SHORTEST_SECONDS = 8, 4.0
#: Longer than any song: a file may claim days.
LONGEST_SECONDS = 7200.0
#: The most lines of one stretch, where its pitches need that many.
MOST_ROWS = 30
_DRAWN = "▀▄█▂▆│┊░"


@shared.guarded
def notes(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A .mid file, a .sab.json file, or a folder of results.")],
    stem: Annotated[str | None, typer.Option("--stem", help="Only these stems, as vocals,bass.")] = None,
    start: Annotated[float, typer.Option("--from", min=0.0, help="The second to start at.")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="How many seconds to draw; left out: all.")
    ] = None,
    json: shared.Json = False,
) -> None:
    """Draw notes as a piano roll: bars and chords above, pitches in half lines, each drum in a line of its own."""
    found = _read(Path(path))
    chosen = [name.strip() for name in stem.split(",")] if stem else list(found.parts)
    if unknown := [name for name in chosen if name not in found.parts]:
        known = ", ".join(found.parts) or "none"
        raise BadArguments(f"There are no notes of {unknown[0]}.", advice=f"It has notes of: {known}.")
    end = found.seconds if seconds is None else min(found.seconds, start + seconds)
    if start >= found.seconds > 0:
        raise BadArguments(f"It ends at {found.seconds:g} s, before --from {start:g}.")
    parts = {name: found.parts[name] for name in chosen}
    if not json and end - start > LONGEST_SECONDS:
        raise BadArguments(
            f"That is {clock_text(end - start)} long, too much to draw.", advice="Say --from and --seconds, or --json."
        )
    if json:
        write_json({"seconds": found.seconds, "parts": {name: list(map(_row, notes)) for name, notes in parts.items()}})
        return
    _print(found, parts, start, end)


def _read(path: Path) -> FileNotes:
    """The notes that a path names.

    Raises:
        NotFound: there is nothing, or nothing with notes.
        NotReadable: it is no such file.
    """
    try:
        has_results = is_folder(path)
    except NotFound:
        raise NotFound(f"There is no file {path}.", advice="Name a .mid file, or a folder of results.") from None
    if has_results or path.name.endswith(ENDING):
        return _notes_beside(path if has_results else path.parent, manifest_at(path))
    return notes_of_file(path)


def _notes_beside(folder: Path, manifest: Manifest) -> FileNotes:
    """The notes of the MIDI files in a folder of results, with the tempo and chords of its manifest."""
    parts: dict[str, list[Note]] = {}
    file: FileNotes | None = None
    for result in manifest.results:
        if result.is_part:
            file = notes_of_file(folder / Path(result.file).name)
            parts[result.name] = [note for notes in file.parts.values() for note in notes]
    if file is None:
        raise NotFound(f"{manifest.name} has no notes.", advice="Run the job with midi switched on.")
    seconds = max(result.seconds for result in manifest.results)
    return FileNotes(parts, manifest.music or file.music, manifest.chords, seconds)


def _print(found: FileNotes, parts: dict[str, list[Note]], start: float, end: float) -> None:
    roll = Roll(parts_of(parts.items()), found.seconds, found.music, found.chords)
    for name, notes in parts.items():
        write_line(f"{label_of(name)}: {len(notes)} notes")
    try:
        _DRAWN.encode(output_encoding() or "ascii")
    except (UnicodeEncodeError, LookupError):
        write_note("This terminal lacks the characters of a roll. Where it can show UTF-8, they are drawn.")
        return
    console = PlainConsole(soft_wrap=True)
    lines = list(_lines(roll, start, end, console.width, has_colour=console.color_system is not None))
    if console.is_terminal and len(lines) > console.height:
        os.environ.setdefault("LESS", "-RFX")  # colours, and no screen of its own
        with console.pager(styles=True):
            for line in lines:
                console.print(line)
    else:
        for line in lines:
            console.print(line)


def _lines(roll: Roll, start: float, end: float, columns: int, *, has_colour: bool) -> Iterator[Text]:
    """One stretch of the clip below the other."""
    stretch = max(SHORTEST_SECONDS, (columns - MARGIN) / CELLS_A_SECOND)
    lowest, highest = roll.pitches
    rows = min(MOST_ROWS, 2 + (highest - lowest + 2) // 2 + len(roll.drum_keys))
    while start < end:
        yield Text(clock_text(start), style="dim")
        window = RollWindow(start, start + stretch, columns, rows)
        yield from draw_roll(roll, window, RollColours(), has_colour=has_colour)
        start += stretch


def _row(note: Note) -> dict[str, object]:
    return {
        "onset": round(note.onset_seconds, 6),
        "offset": round(note.offset_seconds, 6),
        "pitch": note.pitch,
        "velocity": note.velocity,
        "bends": [[round(bend.time_seconds, 6), bend.semitones] for bend in note.bends],
    }
