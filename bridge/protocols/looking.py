"""What a screen can know of a file before it becomes a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.errors import BadArguments
from bridge.model import Failure
from bridge.value import Value

#: Equal parts of a file that its outline has a peak for: as many as two for each cell of a wide screen.
OUTLINE_SPANS = 400


class FileLook(Value, frozen=True, kw_only=True):
    """What the header of an audio file says; nothing is decoded for it."""

    path: str
    seconds: float = 0.0
    """0: unknown before it is decoded."""
    sample_rate_hz: int = 0
    channels: int = 0
    title: str = ""
    artist: str = ""
    is_cut_off: bool = False
    """Whether there is less audio in it than its header counts: it is damaged, or still being copied."""
    refusal: Failure | None = None
    """Why it cannot become a job; None: it can."""


def look_at_no_text(path: str) -> FileLook:
    """What is said of a file whose name is no text: it can be shown, and nobody can be asked for it."""
    words = "Its name is not in UTF-8. Rename the file first."
    return FileLook(path=path, refusal=Failure(code=BadArguments.code, message=words))


class Looking(Protocol):
    """The part of `protocols.Bridge` that looks at files and folders, on the event loop."""

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        """What the headers of files say, in the order of `paths`; decodes nothing, and answers within seconds.

        A file that cannot become a job has its reason with it.
        """
        ...

    async def clips(self, folder: str) -> tuple[str, ...]:
        """The paths of the audio files in a folder, in natural order, without the bridge's own results.

        Raises:
            NotFound: there is none.
            NotReadable: the folder cannot be read, or its drive does not answer.
        """
        ...

    async def outline(self, path: str) -> bytes:
        """The waveform of a file: `OUTLINE_SPANS` bytes or fewer, the mean peak of equal parts; the loudest has 255.

        The file is decoded in a process of its own, which ends where this call is cancelled.

        Raises:
            NotFound, NotReadable, NotAudio, TooLong, OutsideRoots, EngineFailed: it cannot be read.
        """
        ...

    async def show_folder(self, folder: str, files: Sequence[str] = ()) -> None:
        """Shows a folder in the system's own window, and where it can the first of `files` in it.

        Raises:
            NotFound, NotReadable, EngineFailed: it cannot be shown.
        """
        ...
