"""Downloads that resume after an interruption, even in another process, and are verified by checksum."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.transfer import Transfer
from bridge.system.files import sha256_of

_CHUNK_BYTES = 1 << 18
SOCKET_SECONDS = 10.0


def certificates() -> ssl.SSLContext:
    """The machine's certificates, which a company's proxy may need, and certifi's, for a Python without any."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def from_server(files: Sequence[tuple[str, Path]], transfer: Transfer) -> None:
    """Downloads (URL, path) pairs to torch.hub's cache; the file names end with their checksums.

    Raises:
        WeightsUnavailable: a download failed, or a file was damaged.
        AbandonedError: the transfer was abandoned.
    """
    try:
        for index, (url, path) in enumerate(files):
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(f"{path.name}.part")
                report = transfer.progress_reporter(index / len(files), 1 / len(files))
                download(url, path, partial, path.stem.rsplit("-", 1)[1], transfer, report)
            transfer.fraction = (index + 1) / len(files)
    except (OSError, http.client.HTTPException) as exc:
        raise WeightsUnavailable(f"The download from the authors' server failed ({first_line(exc)}).") from exc


def download(
    url: str,
    path: Path,
    partial: Path,
    sha256: str,
    transfer: Transfer,
    report: Callable[[float], None],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Downloads `url` into `partial`, resuming at its end, and renames it to `path` once the checksum is verified.

    A broken connection is retried as long as each attempt receives data. However the download ends, `partial` is
    kept, unless the checksum is wrong.

    Args:
        sha256: the first digits of the checksum, as many as are known.
        report: called with the received fraction of the file, 0–1.
        headers: sent only to the server of `url`, not to redirect targets: they may contain a secret.

    Raises:
        WeightsUnavailable: the connection broke, or the file was damaged.
        OSError, HTTPException: the request failed, or the file cannot be written.
        AbandonedError: the transfer was abandoned.
    """
    is_whole = False
    while not is_whole:
        before = _size(partial)
        try:
            is_whole = _receive(url, partial, transfer, report, headers or {})
        except urllib.error.URLError:
            raise
        except (OSError, http.client.HTTPException):
            if _size(partial) <= before:
                raise
        if not is_whole and _size(partial) <= before:
            raise WeightsUnavailable(f"The connection was lost while downloading {path.name}.")
    if not sha256_of(partial).startswith(sha256):
        partial.unlink()
        raise WeightsUnavailable(f"The file {path.name} was damaged in the download.", advice="Try again.")
    partial.replace(path)


def _receive(
    url: str, partial: Path, transfer: Transfer, report: Callable[[float], None], headers: Mapping[str, str]
) -> bool:
    """Receives over one connection; False if it closed before the end of the file."""
    received = _size(partial)
    request = urllib.request.Request(url, headers={"Range": f"bytes={received}-"} if received else {})  # noqa: S310
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=SOCKET_SECONDS, context=certificates()) as response:  # noqa: S310
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                received = 0
            total = received + int(response.headers.get("Content-Length") or 0)
            with partial.open("ab" if received else "wb") as file:
                while chunk := response.read(_CHUNK_BYTES):
                    transfer.advance(len(chunk))
                    received += len(chunk)
                    file.write(chunk)
                    if total:
                        report(min(received / total, 1.0))
            return received >= total
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # else `partial` is complete already
            raise
        return True


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
