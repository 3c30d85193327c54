"""The clip that comes with the bridge, as a song of the user's."""

from __future__ import annotations

import shutil
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path

import platformdirs

from bridge.errors import NotWritable

FOLDER, NAME = "Source Audio Bridge demo", "demo.ogg"


def own_demo_clip(music: Path | None = None) -> Path:
    """The clip's path in the user's music folder, where results may lie beside it; it is copied there once.

    Raises:
        NotWritable: it cannot be copied.
    """
    clip = (music or platformdirs.user_music_path()) / FOLDER / NAME
    if clip.is_file():
        return clip
    try:
        clip.parent.mkdir(parents=True, exist_ok=True)
        partial = clip.with_suffix(".partial")
        with as_file(files("bridge.demo") / "clip.ogg") as packaged:
            shutil.copyfile(packaged, partial)
        partial.replace(clip)
    except OSError as error:
        with suppress(OSError):
            clip.with_suffix(".partial").unlink()
        raise NotWritable(f"The demo's clip cannot be copied to {clip.parent}: {error.strerror}.") from error
    return clip
