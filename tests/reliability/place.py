"""The folders that one bridge may see, and what must not change in them.

    PLACE/inside/      clips and results; a folder for each injection
    PLACE/outside/     what no fault may make the bridge touch
    PLACE/state/       the bridge's state folder, and its cache beside it
    PLACE/hanging/     where a drive that hangs may be mounted; nobody else looks into it

A fault plants links that lead outside; afterwards every byte there must be as it was, and nothing new may lie beside.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.sounds import music, write

SHORT_SECONDS, LONG_SECONDS = 1.0, 8.0


@dataclass(frozen=True)
class Place:
    """The folders of one bridge."""

    folder: Path

    @property
    def inside(self) -> Path:
        return self.folder / "inside"

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def secret(self) -> Path:
        """A clip outside."""
        return self.outside / "secret.wav"

    def make(self) -> None:
        for folder in (self.inside, self.state, self.cache, self.folder / "home", self.folder / "hanging"):
            folder.mkdir(parents=True, exist_ok=True)
        self.restore_outside()
        write(self.folder / "home" / "short.wav", music(SHORT_SECONDS))
        write(self.folder / "home" / "long.wav", music(LONG_SECONDS))

    def restore_outside(self) -> None:
        """Makes what lies outside anew, and removes what lies beside the folders."""
        shutil.rmtree(self.outside, ignore_errors=True)
        for stray in self.folder.glob("inside *"):
            shutil.rmtree(stray, ignore_errors=True)
        (self.outside / "folder").mkdir(parents=True)
        (self.outside / "letter.txt").write_text("nobody may write here\n")
        write(self.secret, music(SHORT_SECONDS))

    def clip(self, target: Path, *, long: bool = False) -> Path:
        """Copies a clip of `SHORT_SECONDS` or `LONG_SECONDS` to a path."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / "home" / ("long.wav" if long else "short.wav"), target)
        return target

    def watched(self) -> dict[str, str]:
        """Everything outside, and the names beside `inside`: path → what it is."""
        found = {entry.name: "" for entry in self.folder.iterdir()}
        for path in self.outside.rglob("*"):
            name = str(path.relative_to(self.folder))
            if path.is_symlink():
                found[name] = f"link {path.readlink()}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[name] = "folder"
        return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What has appeared, gone or changed, a line each."""
    changed = [f"{name} was changed" for name in before.keys() & after.keys() if before[name] != after[name]]
    gone = [f"{name} is gone" for name in before.keys() - after.keys()]
    return sorted([*changed, *gone, *(f"{name} was written" for name in after.keys() - before.keys())])
