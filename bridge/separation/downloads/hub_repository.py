"""A repository of the Hugging Face hub, as its library lays it out in its cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HubRepository:
    """A repository on one server, and its folder in one cache."""

    name: str
    """`OWNER/NAME`."""
    cache: Path
    url: str
    """The hub, or a mirror of it."""

    @property
    def folder(self) -> Path:
        return self.cache / ("models--" + self.name.replace("/", "--"))

    @property
    def snapshot(self) -> Path | None:
        """The folder of the newest downloaded version; None if there is none."""
        try:
            commit = (self.folder / "refs" / "main").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return self.folder / "snapshots" / commit

    def address(self, filename: str) -> str:
        """The URL of a file in its newest version."""
        return f"{self.url}/{self.name}/resolve/main/{filename}"
