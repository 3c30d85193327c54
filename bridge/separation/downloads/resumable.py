"""Downloads that go on where an earlier one was broken off, in another process too, and are what they should be."""

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
    """The machine's own certificates, as a company's proxy needs them, and certifi's, for a Python that has none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def from_server(files: Sequence[tuple[str, Path]], transfer: Transfer) -> None:
    """Downloads addresses to where torch.hub keeps them; the files' names end in their checksums.

    Raises:
        WeightsUnavailable: the server did not give a file, or it arrived damaged.
        AbandonedError: nobody waits for them any more.
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
        raise WeightsUnavailable(f"The authors' server did not give it ({first_line(exc)}).") from exc


def download(
    url: str,
    path: Path,
    partial: Path,
    sha256: str,
    transfer: Transfer,
    report: Callable[[float], None],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Downloads `url` into `partial`, from where that ends, and names it `path` once its checksum is right.

    A connection that breaks off is taken up again for as long as each try brings something. What has come stays in
    `partial`, whatever ends the download but a wrong checksum.

    Args:
        sha256: the checksum's first digits, as many as are known.
        report: takes the part of the file that is here, 0–1.
        headers: are sent to the server of `url` and to none that it points to: they may hold a secret.

    Raises:
        WeightsUnavailable: it broke off, or arrived damaged.
        OSError, HTTPException: the server did not give it, or it cannot be stored.
        AbandonedError: nobody waits for it any more.
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
            raise WeightsUnavailable(f"The connection broke off in the middle of {path.name}.")
    if not sha256_of(partial).startswith(sha256):
        partial.unlink()
        raise WeightsUnavailable(f"The file {path.name} arrived damaged.", advice="Try again.")
    partial.replace(path)


def _receive(
    url: str, partial: Path, transfer: Transfer, report: Callable[[float], None], headers: Mapping[str, str]
) -> bool:
    """One connection; False where it ended before the file did."""
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
        if exc.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # else nothing was missing but the new name
            raise
        return True


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
