"""A repository of the Hugging Face hub, as its library lays it out in its cache."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HubPin:
    """The files that this version of the bridge was made for: docs/decisions/0153."""

    revision: str
    """A commit of the repository that has them."""
    sha256: Mapping[str, str]
    """File name → SHA-256."""


@dataclass(frozen=True)
class HubRepository:
    """A repository on one server, and its folder in one cache."""

    name: str
    """`OWNER/NAME`."""
    cache: Path
    url: str
    """The hub, or a mirror of it."""
    pin: HubPin | None = None
    """None: whatever its newest version has."""

    @property
    def folder(self) -> Path:
        return self.cache / ("models--" + self.name.replace("/", "--"))

    @property
    def snapshots(self) -> list[Path]:
        """The folders of the downloaded versions that may be used: the pinned one, then the newest."""
        commits = [self.pin.revision] if self.pin else []
        with contextlib.suppress(OSError):
            commits.append((self.folder / "refs" / "main").read_text(encoding="utf-8").strip())
        return [self.folder / "snapshots" / commit for commit in commits]

    def address(self, filename: str) -> str:
        """The URL of a file in its newest version."""
        return f"{self.url}/{self.name}/resolve/main/{filename}"
