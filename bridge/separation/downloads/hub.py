"""Downloads released models from the Hugging Face hub into its library's own cache (docs/decisions/0062)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.hub_repository import HubRepository
from bridge.separation.downloads.resumable import SOCKET_SECONDS, download, first_line
from bridge.separation.downloads.transfer import AbandonedError, Transfer
from bridge.system.files import sha256_of

#: How often a waiting process tries to lock a file that another one is downloading.
_LOCK_POLL_SECONDS = 0.2


def from_hub(
    repository: HubRepository, definition: str, named_by: Callable[[Path], Sequence[str]], transfer: Transfer
) -> None:
    """Downloads files into the hub's cache, where other programs find them too.

    Args:
        definition: the first file.
        named_by: the names of the other files, read from the first; progress is the share of those.

    Raises:
        WeightsUnavailable: the download failed; the message says why.
        AbandonedError: the transfer was abandoned.
    """
    try:
        hub = _Hub(repository, transfer)
        names = named_by(hub.fetch(definition, 0.0, 0.0))
        for index, name in enumerate(names):
            hub.fetch(name, index / len(names), 1 / len(names))
    except (AbandonedError, WeightsUnavailable):
        raise
    except Exception as exc:  # the client's errors have no common base class, and differ between versions
        raise WeightsUnavailable(f"The download from the Hugging Face hub failed ({first_line(exc)}).") from exc


class _Hub:
    """Downloads from one repository.

    The library cannot resume an interrupted download. So `download` first saves a large file, whose ETag is its
    SHA-256, as `blobs/<ETag>`; the library finds it there and creates the rest of its cache layout.
    """

    def __init__(self, repository: HubRepository, transfer: Transfer) -> None:
        self._repository = repository
        self._folder = repository.folder
        self._transfer = transfer
        self._pinned = repository.pin.sha256 if repository.pin else {}
        self._revision = self._usable_revision()

    def _usable_revision(self) -> str | None:
        """None: the newest, where other programs look too; the pinned one where the newest has other files."""
        pin = self._repository.pin
        for filename, sha256 in self._pinned.items():
            etag = self._metadata(filename, None).etag or ""
            if pin is not None and _is_sha256(etag) and etag != sha256:
                return pin.revision
        return None

    def _metadata(self, filename: str, revision: str | None) -> Any:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        address = hf_hub_url(self._repository.name, filename, revision=revision, endpoint=self._repository.url)
        return get_hf_file_metadata(address, timeout=SOCKET_SECONDS)

    def fetch(self, filename: str, start: float, share: float) -> Path:
        """Downloads a file; returns its path in its version's snapshot.

        Args:
            start, share: this file's progress runs from `start` to `start + share` of the whole.
        """
        from huggingface_hub import hf_hub_download, hf_hub_url

        metadata = self._metadata(filename, self._revision)
        sha256 = metadata.etag if _is_sha256(metadata.etag or "") else None
        commit = metadata.commit_hash
        blob = None
        if sha256 and commit:
            exact = hf_hub_url(self._repository.name, filename, revision=commit, endpoint=self._repository.url)
            blob = self._download_blob(exact, self._folder / "snapshots" / commit / filename, sha256, start, share)
        options: dict[str, Any] = {}
        if "tqdm_class" in inspect.signature(hf_hub_download).parameters:  # not in older versions
            options["tqdm_class"] = _counter(self._transfer, start, share)
        path = Path(
            hf_hub_download(
                self._repository.name,
                filename,
                revision=self._revision,
                cache_dir=self._repository.cache,
                endpoint=self._repository.url,
                etag_timeout=SOCKET_SECONDS,
                **options,
            )
        )
        self._transfer.fraction = start + share
        _verify(path, self._pinned.get(filename, sha256), is_pinned=filename in self._pinned)
        if blob is not None and not path.is_symlink():  # without symlinks, the snapshot holds the file itself
            blob.unlink(missing_ok=True)
        return path

    def _download_blob(self, address: str, snapshot: Path, sha256: str, start: float, share: float) -> Path:
        """Downloads the file to its blob path, unless the blob or `snapshot` exists; returns the blob path."""
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, exported lazily

        blob = self._folder / "blobs" / sha256
        # The library's tools list and delete `*.incomplete`; the name must differ from its own `<ETag>.incomplete`.
        partial = blob.with_name(f"{sha256}.bridge.incomplete")
        blob.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(sha256, partial):
            if not snapshot.exists() and not blob.is_file():
                report = self._transfer.progress_reporter(start, share)
                download(address, blob, partial, sha256, self._transfer, report, build_hf_headers())
        return blob

    @contextmanager
    def _locked(self, sha256: str, partial: Path) -> Iterator[None]:
        """Holds the library's lock for this file. While another process downloads it, its progress counts as ours."""
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # public, exported lazily

        lock = self._repository.cache / ".locks" / self._folder.name / f"{sha256}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        counted = 0
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(WeakFileLock(lock, timeout=_LOCK_POLL_SECONDS))
                    break
                except TimeoutError:
                    size = partial.stat().st_size if partial.is_file() else 0
                    self._transfer.advance(max(size - counted, 0))
                    counted = size
            yield


def _is_sha256(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _verify(path: Path, sha256: str | None, *, is_pinned: bool) -> None:
    """Verifies a large file in the hub's cache against its SHA-256: the pinned one, the blob's name, or else `sha256`.

    The hub's client checks only the size.
    """
    stored = path.resolve()
    expected = stored.name if _is_sha256(stored.name) and not is_pinned else sha256
    if expected is not None and sha256_of(stored) != expected:
        path.unlink()
        stored.unlink(missing_ok=True)
        raise WeightsUnavailable(f"The file {path.name} was damaged in the download.", advice="Try again.")


def _counter(transfer: Transfer, start: float, share: float) -> type:
    """A stand-in for tqdm's progress bar: shows nothing and reports to `transfer`."""
    report = transfer.progress_reporter(start, share)

    class Counter:
        def __init__(self, *_: object, total: float | None = None, initial: float = 0, **__: object) -> None:
            self.total = total
            self.n = initial

        def update(self, count: float = 1) -> None:
            transfer.advance(int(count))
            self.n += count
            if self.total:
                report(min(self.n / self.total, 1.0))

        def set_postfix_str(self, *_: object, **__: object) -> None: ...

        def refresh(self) -> None: ...

        def close(self) -> None: ...

        def __enter__(self) -> Counter:
            return self

        def __exit__(self, *_: object) -> None: ...

    return Counter
