"""A folder that is held open: files are made, renamed and removed in that very folder, whatever its path leads to now.

On POSIX systems everything is done relative to the folder's descriptor, and no link is followed: a folder that is moved
away or swapped for a link in the middle of a job leads no file to another place. Windows has no such calls. There the
path is used, and a folder with an open file in it cannot be moved.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

#: Flags that only some systems have. Without O_NONBLOCK a pipe that lies there would never open.
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
#: libsndfile writes 8 KiB at a time.
BUFFER_BYTES = 1 << 20


class Directory:
    """A folder, open until `close`. Names are single file names."""

    def __init__(self, path: Path, *, follow_link: bool = False) -> None:
        """Opens the folder at `path`.

        Args:
            follow_link: `path` may itself be a link, because the user named it.

        Raises:
            OSError: there is no folder, or it is a link.
        """
        self.path = path
        self._descriptor: int | None = None
        if sys.platform == "win32":
            found = path.stat() if follow_link else path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "it is no folder", str(path))
        else:
            flags = os.O_RDONLY | os.O_DIRECTORY | (0 if follow_link else os.O_NOFOLLOW)
            self._descriptor = os.open(path, flags)
            found = os.fstat(self._descriptor)
        self._identity = found

    def __enter__(self) -> Directory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """May be called more than once."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def is_in_place(self) -> bool:
        """Whether its path still leads to this folder."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return os.path.samestat(found, self._identity if self._descriptor is None else os.fstat(self._descriptor))

    @property
    def location(self) -> int | Path:
        """What functions for a whole folder take: its descriptor; on Windows its path."""
        return self.path if self._descriptor is None else self._descriptor

    def create(self, name: str) -> BinaryIO:
        """A new file, open for reading and writing, with the permissions of the user's umask.

        Raises:
            FileExistsError: something of that name is there, be it a link that leads nowhere.
            OSError: it cannot be made.
        """
        return self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)

    def create_unnamed(self, name: str) -> BinaryIO:
        """A new file without a name, which is gone when it is closed, even if the process is killed.

        On Windows, and on drives that cannot do this, it is called `name` until somebody removes it.
        """
        file = self.create(name)
        if sys.platform != "win32":
            try:
                self.remove(name)
            except BaseException:
                file.close()
                raise
        return file

    def create_or_open(self, name: str) -> BinaryIO:
        """A file for reading and writing, which may have been there.

        Raises:
            OSError: it is a link, a pipe or a device, or cannot be opened.
        """
        return self._open(name, os.O_RDWR | os.O_CREAT)

    def open(self, name: str) -> BinaryIO:
        """An existing file, open for reading.

        Raises:
            OSError: there is none, or it is a link, a pipe or a device.
        """
        return self._open(name, os.O_RDONLY)

    def has(self, name: str) -> bool:
        """Whether something of that name is there, be it a link that leads nowhere."""
        return self._state(name) is not None

    def size_of(self, name: str) -> int | None:
        """The size of a file in bytes; None: there is none of that name."""
        found = self._state(name)
        return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else None

    def is_named(self, file: BinaryIO, name: str) -> bool:
        """Whether an open file is the one that has this name."""
        found = self._state(name)
        return found is not None and os.path.samestat(found, os.fstat(file.fileno()))

    def names(self) -> Sequence[str]:
        """The names of everything in it. Raises OSError."""
        return os.listdir(self.location)  # noqa: PTH208 - it may be a descriptor

    def replace(self, old: str, new: str) -> None:
        """Renames a file; a file called `new` is replaced. Raises OSError."""
        os.replace(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Removes a file, if it can be removed."""
        try:
            os.unlink(self._at(name), dir_fd=self._descriptor)
        except OSError:
            return

    def remove_where_it_lies(self, levels: int) -> None:
        """Removes this folder and those above it, `levels` in all, where they lie now, as far as they are empty.

        On Windows an open folder cannot have moved, and nothing is done.
        """
        if sys.platform == "win32" or self._descriptor is None:
            return
        descriptor = os.dup(self._descriptor)
        try:
            for _ in range(levels):
                inode = os.fstat(descriptor).st_ino
                above = os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = above
                with os.scandir(above) as entries:
                    name = next(entry.name for entry in entries if entry.inode() == inode)
                os.rmdir(name, dir_fd=above)
        except (OSError, StopIteration):  # not empty, or gone
            return
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int) -> BinaryIO:
        descriptor = os.open(self._at(name), flags | _NO_FOLLOW | _NO_WAIT | _BINARY, 0o666, dir_fd=self._descriptor)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path / name} is no file")
            return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "r+b", BUFFER_BYTES)
        except BaseException:
            os.close(descriptor)
            raise

    def _state(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except OSError:
            return None

    def _at(self, name: str) -> str:
        return str(self.path / name) if self._descriptor is None else name
