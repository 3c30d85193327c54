"""`<name>.sab.json`: what was done to which audio by what, for a person and for a script that comes later."""

from __future__ import annotations

import datetime
import functools
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bridge import __version__
from bridge.model import JobRequest, Music, Result, Value, Warning
from bridge.system.files import parsed

MANIFEST_VERSION = 1
#: The packages whose version can change what a job sounds like.
TOLD_PACKAGES = ("basic-pitch", "demucs", "numpy", "onnxruntime", "openvino", "scipy", "soxr", "torch")


class SourceRecord(Value, frozen=True, kw_only=True):
    """Which audio it was: the file, its bytes, and the region of it."""

    path: str
    sha256: str
    start_seconds: float
    start_frame: int
    frames: int
    sample_rate_hz: int
    channels: int


class EngineRecord(Value, frozen=True, kw_only=True):
    """What separated it; the name is empty where nothing was separated."""

    name: str
    device: str
    weights: str
    """Hash of the weights, or the version of an algorithm that has none."""


class Manifest(Value, frozen=True, kw_only=True):
    """One job, whole."""

    manifest: int = MANIFEST_VERSION
    job: str
    name: str
    source: SourceRecord
    request: JobRequest
    engine: EngineRecord
    transcribers: dict[str, str]
    """For each stem that was turned into notes, what did it."""
    music: Music | None
    """Tempo, metre and key of the notes; None where there are none."""
    warnings: tuple[Warning, ...]
    results: tuple[Result, ...]
    """Paths are relative to the manifest, so that the folder can be moved."""
    versions: dict[str, str]
    started: str
    """ISO 8601, UTC."""
    seconds: float
    """How long the job took."""
    cache_key: str = ""
    """The hash of all that the results depend on; empty where nothing is kept."""


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON in UTF-8."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(text: bytes) -> Manifest:
    """Reads what `encode_manifest` wrote.

    Raises:
        ValueError: it is no manifest.
    """
    return parsed(text, msgspec.json.Decoder(Manifest).decode)


def relative(result: Result) -> Result:
    """The result with its file's name for a path."""
    return msgspec.structs.replace(result, path=Path(result.path).name)


def iso_time(unix_seconds: float) -> str:
    """`2026-11-22T15:07:10+00:00`."""
    return datetime.datetime.fromtimestamp(unix_seconds, datetime.timezone.utc).isoformat(timespec="seconds")


@functools.cache
def versions() -> dict[str, str]:
    """The bridge's own version, Python's, and those of the packages that shape the sound."""
    found = {"source-audio-bridge": __version__, "python": platform.python_version()}
    for package in TOLD_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
