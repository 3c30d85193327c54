"""What `sab hear` plays: the tracks that paths name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bridge.audio.check import check_source
from bridge.errors import BadArguments, NotFound
from bridge.options.paths import is_folder
from bridge.pipeline.manifest import ENDING, Manifest, manifest_at
from bridge.protocols.hearing import Track
from bridge.smf.notes import notes_of_file
from bridge.stems import OPPOSITE_TABLE, STEM_TABLE, label_of

MIDI_ENDINGS = (".mid", ".midi")
_DRUMS = "drums"


def tracks_at(paths: Sequence[Path], *, as_notes: bool) -> tuple[Track, ...]:
    """The tracks of files, and of folders with a job's results; no two have one name.

    Args:
        as_notes: of results and stems the notes, not the audio.

    Raises:
        NotFound: there is no such path, or nothing to hear in it.
        NotReadable: a MIDI file or the record of a job is broken, or a file is none.
    """
    tracks: list[Track] = []
    for path in paths:
        if is_folder(path) or path.name.endswith(ENDING):
            tracks += _of_results(path, as_notes=as_notes)
        else:
            check_source(path)
            tracks += _of_file(path, as_notes=as_notes)
    return _with_own_names(tracks)


def silent_but(tracks: Sequence[Track], solo: str | None) -> tuple[str, ...]:
    """The tracks that are silent where only those in `solo`, as `bass,drums`, are heard; None: all are heard.

    Raises:
        BadArguments: there is no such track.
    """
    if solo is None:
        return ()
    names = [track.name for track in tracks]
    wanted = [name.strip().lower() for name in solo.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in map(str.lower, names)]:
        raise BadArguments(f"There is no {unknown[0]} to hear.", advice=f"There are: {', '.join(names)}.")
    return tuple(name for name in names if name.lower() not in wanted)


def _of_results(path: Path, *, as_notes: bool) -> list[Track]:
    folder = path if path.is_dir() else path.parent
    manifest = manifest_at(path)
    stems = {result.name: folder / Path(result.file).name for result in manifest.results if result.kind == "stem"}
    if as_notes or not stems:
        files = [folder / Path(result.file).name for result in manifest.results if result.is_part]
        tracks = [track for file in files for track in _notes_in(file)]
        if not tracks:
            raise NotFound(f"{manifest.name} has no notes.", advice="Run the job with midi switched on.")
        return tracks
    return [Track(name=name, path=str(stems[name].absolute())) for name in _summing_up(stems, manifest)]


def _summing_up(stems: Iterable[str], manifest: Manifest) -> list[str]:
    """Those of the stems that are the song together: no opposite beside what it is made of."""
    given = list(stems)
    single = [name for name in given if name in STEM_TABLE]
    if len(single) > 1:
        return single
    opposites = [name for name in given if name in OPPOSITE_TABLE and OPPOSITE_TABLE[name].without in single]
    found = [*single, *opposites[:1]] or given[:1]
    if not found:
        raise NotFound(f"{manifest.name} has no stems.")
    return found


def _of_file(path: Path, *, as_notes: bool) -> list[Track]:
    if path.suffix.lower() in MIDI_ENDINGS:
        return _notes_in(path)
    if not as_notes:
        return [Track(name=_stem_called(path), path=str(path.absolute()))]
    beside = path.with_suffix(".mid")
    if not beside.exists():
        raise NotFound(f"There are no notes beside {path.name}.", advice="Leave out --notes to hear the file itself.")
    return _notes_in(beside)


def _notes_in(path: Path) -> list[Track]:
    check_source(path)
    parts = notes_of_file(path).parts
    if not parts:
        raise NotFound(f"{path.name} has no notes.", advice="Name a file that has some.")
    return [Track(name=name, notes=tuple(notes), is_drums=name == _DRUMS) for name, notes in parts.items()]


def _stem_called(path: Path) -> str:
    """`song (Bass).wav` → `bass`; another file: its name without its ending."""
    return next(
        (name for name in (*STEM_TABLE, *OPPOSITE_TABLE) if path.stem.endswith(f"({label_of(name)})")), path.stem
    )


def _with_own_names(tracks: Sequence[Track]) -> tuple[Track, ...]:
    found: dict[str, Track] = {}
    for track in tracks:
        name, number = track.name, 1
        while name in found:
            number += 1
            name = f"{track.name} {number}"
        found[name] = Track(name=name, path=track.path, notes=track.notes, is_drums=track.is_drums)
    return tuple(found.values())
