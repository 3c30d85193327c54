"""The two servers that released models come from. Both downloads run on the thread of a `Transfer`."""

from __future__ import annotations

import http.client
import inspect
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bridge.errors import WeightsUnavailable
from bridge.separation.bags import read_bag
from bridge.separation.converted import sha256_of
from bridge.separation.transfer import AbandonedError, Transfer
from bridge.separation.weights import Places, hub_repository

_PIECE_BYTES = 1 << 18
_SOCKET_SECONDS = 10.0


def certificates() -> ssl.SSLContext:
    """The machine's own certificates, as a company's proxy needs them, and certifi's, for a Python that has none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def from_hub(name: str, places: Places, endpoint: str, transfer: Transfer) -> None:
    """Downloads definition and models into the hub's own cache, where every other program finds them too.

    Raises:
        WeightsUnavailable: the hub did not give them, and why.
        AbandonedError: nobody waits for them any more.
    """
    from huggingface_hub import hf_hub_download

    def download(filename: str, start: float, share: float) -> Path:
        options: dict[str, Any] = {}
        if "tqdm_class" in inspect.signature(hf_hub_download).parameters:  # not in its older versions
            options["tqdm_class"] = _counter(transfer, start, share)
        path = hf_hub_download(
            hub_repository(name),
            filename,
            cache_dir=places.hub_cache,
            endpoint=endpoint,
            etag_timeout=_SOCKET_SECONDS,
            **options,
        )
        transfer.fraction = start + share
        return _verified(Path(path))

    try:
        signatures = tuple(dict.fromkeys(read_bag(download(f"{name}.yaml", 0.0, 0.0)).signatures))
        for index, signature in enumerate(signatures):
            download(f"{signature}.safetensors", index / len(signatures), 1 / len(signatures))
    except (AbandonedError, WeightsUnavailable):
        raise
    except Exception as exc:  # the client's errors have no common base, and differ from version to version
        raise WeightsUnavailable(f"The Hugging Face hub did not give it ({_first_line(exc)}).") from exc


def _verified(path: Path) -> Path:
    """The file in the hub's cache, if it is what its stored name says: of large ones the SHA-256.

    The client itself compares the size only.
    """
    stored = path.resolve()
    if re.fullmatch("[0-9a-f]{64}", stored.name) and sha256_of(stored) != stored.name:
        path.unlink()
        stored.unlink()
        raise WeightsUnavailable(f"The file {path.name} arrived damaged.", advice="Try again.")
    return path


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _counter(transfer: Transfer, start: float, share: float) -> type:
    """A class that the hub's client takes for a tqdm progress bar; it shows nothing and tells `transfer`."""

    class Counter:
        def __init__(self, *_: object, total: float | None = None, initial: float = 0, **__: object) -> None:
            self.total = total
            self.n = initial

        def update(self, count: float = 1) -> None:
            transfer.advance(int(count))
            self.n += count
            if self.total:
                transfer.fraction = max(transfer.fraction, start + share * min(self.n / self.total, 1.0))

        def set_postfix_str(self, *_: object, **__: object) -> None: ...

        def refresh(self) -> None: ...

        def close(self) -> None: ...

        def __enter__(self) -> Counter:
            return self

        def __exit__(self, *_: object) -> None: ...

    return Counter


def from_server(files: Sequence[tuple[str, Path]], transfer: Transfer) -> None:
    """Downloads addresses to where torch.hub keeps them; a file gets its name when its checksum is right.

    Raises:
        WeightsUnavailable: the server did not give a file, or it arrived damaged.
        AbandonedError: nobody waits for them any more.
    """
    try:
        for index, (url, path) in enumerate(files):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                _download(url, path, transfer, index / len(files), 1 / len(files))
            transfer.fraction = (index + 1) / len(files)
    except (OSError, http.client.HTTPException) as exc:
        raise WeightsUnavailable(f"The authors' server did not give it ({_first_line(exc)}).") from exc


def _download(url: str, path: Path, transfer: Transfer, start: float, share: float) -> None:
    """Goes on where an earlier try was broken off, as far as the server allows."""
    partial = path.with_name(f"{path.name}.part")
    received = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={received}-"} if received else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SOCKET_SECONDS, context=certificates()) as response:  # noqa: S310
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                received = 0
            total = received + int(response.headers.get("Content-Length") or 0)
            with partial.open("ab" if received else "wb") as file:
                while piece := response.read(_PIECE_BYTES):
                    transfer.advance(len(piece))
                    received += len(piece)
                    file.write(piece)
                    transfer.fraction = start + share * min(received / total, 1.0) if total else start
            if received < total:
                raise WeightsUnavailable(f"The connection broke off in the middle of {path.name}.")
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # else nothing was missing but the new name
            raise
    if not sha256_of(partial).startswith(path.stem.rsplit("-", 1)[1]):
        partial.unlink()
        raise WeightsUnavailable(f"The file {path.name} arrived damaged.", advice="Try again.")
    partial.replace(path)
