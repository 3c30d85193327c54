"""What the file browser lists: the folders and audio files of a folder, and what matches a few letters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.fuzzy import Matcher
from textual.suggester import Suggester

from bridge.audio.clip_names import AUDIO_ENDINGS, natural_order
from bridge.errors import NotReadable
from bridge.system.off_loop import off_loop

#: How long a folder may take; a drive that does not answer is not waited for.
LISTING_SECONDS = 5.0
#: A folder with more is listed so far.
MOST_ENTRIES = 200_000
#: Scoring a name takes about ten microseconds: of more names, those that match keep their order.
MOST_SCORED = 5_000


@dataclass(frozen=True)
class FolderEntry:
    """One line of the browser."""

    path: str
    name: str
    is_folder: bool


async def folder_entries(folder: str) -> tuple[FolderEntry, ...]:
    """The folders and audio files in a folder, without hidden ones: folders first, each in natural order.

    Raises:
        NotReadable: the folder cannot be read, or its drive does not answer.
    """
    try:
        return await off_loop(lambda: _entries(folder), timeout_seconds=LISTING_SECONDS)
    except TimeoutError:
        raise NotReadable(f"The drive of {folder} does not answer.") from None
    except (OSError, ValueError) as error:  # ValueError: such a name cannot be
        reason = error.strerror if isinstance(error, OSError) else ""
        raise NotReadable(f"The folder {folder} cannot be read: {reason or 'it has no valid name'}.") from error


def matching(entries: Sequence[FolderEntry], letters: str) -> tuple[FolderEntry, ...]:
    """The entries whose names have these letters in this order, the best first; all of them without letters."""
    letters = letters.lower()
    found = tuple(entry for entry in entries if _has_in_order(entry.name.lower(), letters))
    if not letters or len(found) > MOST_SCORED:
        return found
    matcher = Matcher(letters)
    return tuple(sorted(found, key=lambda entry: -matcher.match(entry.name)))


def _has_in_order(name: str, letters: str) -> bool:
    rest = iter(name)
    return letters in name or all(letter in rest for letter in letters)


class PathSuggester(Suggester):
    """Completes a path with the first folder or audio file that begins like it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        folder, begun = os.path.split(value)
        if not begun or not folder or value[0] in "\"'":
            return None
        try:
            entries = await folder_entries(folder)
        except NotReadable:
            return None
        found = next((entry for entry in entries if entry.name.startswith(begun)), None)
        found = found or next((entry for entry in entries if entry.name.casefold().startswith(begun.casefold())), None)
        if found is None or len(found.name) <= len(begun):
            return None
        return value + found.name[len(begun) :] + (os.sep if found.is_folder else "")


def _entries(folder: str) -> tuple[FolderEntry, ...]:
    entries: list[FolderEntry] = []
    with os.scandir(os.path.expanduser(folder)) as found:  # noqa: PTH111 – pathlib raises for the home of nobody
        for item in found:
            if item.name.startswith(".") or len(entries) >= MOST_ENTRIES:
                continue
            is_folder = item.is_dir()
            if is_folder or Path(item.name).suffix.lower() in AUDIO_ENDINGS:
                entries.append(FolderEntry(item.path, item.name, is_folder))
    return tuple(sorted(entries, key=lambda entry: (not entry.is_folder, natural_order(entry.name))))
