"""Clips that come over HTTP: each in a private folder of its own, until its job is over."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import platformdirs

from bridge.config import Settings
from bridge.errors import BadArguments, NotFound, TooLong
from bridge.events import Ended, Event
from bridge.model import Job
from bridge.project_paths import result_name
from bridge.system.files import SPARE_BYTES
from bridge.system.off_loop import CleanUp
from bridge.system.private_folders import new_private_file, private_folder

log = logging.getLogger(__name__)

#: Where the results of uploads go, in the first of the folders that the bridge may use, or in the music folder.
RESULTS_FOLDER = "Source Audio Bridge"
_ENDING = re.compile(r"\.[0-9A-Za-z]{1,8}")


@dataclass(frozen=True)
class Uploads:
    """The clips of a bridge, and the limit of each.

    Args:
        folder: holds a folder for each clip.
        results: where the results of jobs go that name no folder.
        max_bytes: the largest clip.
        clean_up: removes files away from the event loop.
    """

    folder: Path
    results: Path
    max_bytes: int
    clean_up: CleanUp
    of_this_run: set[str] = field(default_factory=set)
    """The folders of clips that have come since the bridge started."""

    @classmethod
    def of(cls, settings: Settings, clean_up: CleanUp) -> Uploads:
        parent = settings.roots[0] if settings.roots else Path(platformdirs.user_music_path())
        max_bytes = round(settings.http_upload_mb * 1e6)
        return cls(settings.uploads_folder, parent / RESULTS_FOLDER, max_bytes, clean_up)

    def file_name(self, wanted: str) -> str:
        """The name of a clip's file, from a client's: valid on every system, without folders, with its ending."""
        written = Path(wanted.replace("\\", "/").strip()).name
        ending = _ENDING.fullmatch(Path(written).suffix)
        return result_name(Path(written), None) + (ending[0].lower() if ending else "")

    def begin(self, name: str) -> tuple[Path, BinaryIO]:
        """A new file for a clip, open for writing. Waits for the drive, so not on the event loop.

        Raises:
            OSError: it cannot be made.
        """
        folder = self.folder / secrets.token_hex(8)
        self.of_this_run.add(folder.name)
        path = private_folder(folder) / self.file_name(name)
        return path, new_private_file(path)

    def has_room(self, more_bytes: int) -> bool:
        """Whether the drive would have room for a clip and some more. Waits for it. Raises OSError."""
        return shutil.disk_usage(private_folder(self.folder)).free >= more_bytes + SPARE_BYTES

    def check_size(self, announced_bytes: int) -> None:
        """Raises TooLong, or BadArguments where the bridge takes no clips at all."""
        if not self.max_bytes:
            raise BadArguments("This bridge takes no clips as bodies.", advice="Name a file by its path.")
        if announced_bytes > self.max_bytes:
            raise TooLong(
                f"A clip may have {self.max_bytes / 1e6:g} MB.",
                advice="Raise `http_upload_mb` in the settings, or name the file by its path.",
            )

    def is_ours(self, source: str) -> bool:
        """Whether a job's source is one of these clips."""
        return Path(source).parent.parent == self.folder

    def remove(self, path: Path, file: BinaryIO | None = None) -> None:
        """Removes a clip, and its folder, in the background.

        Args:
            file: the clip, if it is still open: closing it would wait for a drive that is still writing to it.
        """

        def work() -> None:
            if file is not None:
                with suppress(OSError):  # what it has not written yet is not wanted any more
                    file.close()
            shutil.rmtree(path.parent, ignore_errors=True)

        if self.is_ours(str(path)):
            self.of_this_run.discard(path.parent.name)
            self.clean_up(work, lambda: None)

    def follow(self, job: Callable[[str], Job]) -> Callable[[Event], None]:
        """A listener that removes the clip of each job that ends."""

        def on_event(event: Event) -> None:
            if isinstance(event, Ended):
                with suppress(NotFound):
                    self.remove(Path(job(event.job).request.source))

        return on_event

    def sweep(self, jobs: Iterable[Job]) -> None:
        """Removes what earlier runs have left, but the clips of jobs that are not over."""
        needed = {Path(job.request.source).parent.name for job in jobs if not job.is_over}

        def work() -> None:
            with suppress(FileNotFoundError):
                for entry in self.folder.iterdir():
                    if entry.name not in needed | self.of_this_run:
                        shutil.rmtree(entry, ignore_errors=True)

        self.clean_up(work, lambda: None)
