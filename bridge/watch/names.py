"""Which names in a watched folder are clips: not those of files on their way, and not the bridge's own."""

from __future__ import annotations

from pathlib import PurePath

from bridge.audio.clip_names import AUDIO_ENDINGS

#: What programs put into the name of a file that they have not finished, before or after its own ending.
TEMPORARY = frozenset(
    [".crdownload", ".download", ".filepart", ".opdownload", ".part", ".partial", ".temp", ".tmp", ".!ut"]
)
#: The folder that the bridge makes beside clips for their results, in small letters.
RESULTS_FOLDER = "stems"
#: First characters of names that are hidden, or that editors and sync programs give to their own files.
_MARKS = (".", "~")


def is_clip_name(name: str) -> bool:
    """Whether a file of this name can be a clip: it has the ending of audio, and no mark of a temporary file."""
    path = PurePath(name)
    is_temporary = name.startswith(_MARKS) or PurePath(path.stem).suffix.lower() in TEMPORARY
    return path.suffix.lower() in AUDIO_ENDINGS and not is_temporary


def is_entered(folder: str) -> bool:
    """Whether clips are looked for in a subfolder of this name."""
    return not folder.startswith(_MARKS) and folder.casefold() != RESULTS_FOLDER
