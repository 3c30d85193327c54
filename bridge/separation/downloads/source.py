"""The servers that have a model's weights. Contacts none before it is asked to download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge.separation.downloads.transfer import Transfer


@dataclass(frozen=True)
class DownloadSource:
    """One server."""

    server: str
    """Its name in messages, at the start of a sentence."""
    address: str
    """A URL that the server answers if it has the weights."""
    download: Callable[[Transfer], None]
    """Downloads all files to where `Family.find` finds them. Raises WeightsUnavailable or AbandonedError."""


def server_sources(server: str, files: Sequence[tuple[str, Path]]) -> tuple[DownloadSource, ...]:
    """The source of (URL, path) pairs, for `resumable.from_server`; () if there are no files."""
    return (DownloadSource(server, files[0][0], partial(_download, files)),) if files else ()


def _download(files: Sequence[tuple[str, Path]], transfer: Transfer) -> None:
    from bridge.separation.downloads.resumable import from_server

    from_server(files, transfer)
