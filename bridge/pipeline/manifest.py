"""`<name>.sab.json`: the record of one job, for people and for scripts."""

from __future__ import annotations

import datetime
import functools
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import msgspec

from bridge import __version__
from bridge.errors import NotFound, NotReadable
from bridge.model import Chord, Job, Music, Result, Warning
from bridge.options.record import from_json, to_json, to_record
from bridge.system.files import read_small
from bridge.transcription.pitched import network_file
from bridge.value import Value

MANIFEST_VERSION = 1
ENDING = ".sab.json"
#: The packages whose version can change a job's results.
RECORDED_PACKAGES = ("av", "demucs", "numpy", "onnxruntime", "openvino", "scipy", "soxr", "torch")
#: Packages that affect notes alone: with another of them, separated stems are still restored.
NOTE_PACKAGES = ("swift-f0", "transkun")


class SourceRecord(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The source: the file, a hash of it, and the region of it."""

    path: str
    sha256: str
    """Of the file's bytes; empty for a large file, of which a job reads only its region."""
    start_seconds: float
    start_frame: int
    frames: int
    sample_rate_hz: int
    channels: int
    size_bytes: int = 0
    """The file's size before the job; 0: unknown, as in records of earlier versions."""
    modified_ns: int = 0
    """When it was changed last, in ns since 1970; 0: unknown."""
    region_sha256: str = ""
    """Of the region's samples as 32-bit floats, if `sha256` is empty."""
    silent_frames: int = 0
    """Frames from the start of the file to its first sound, where its container says that the sound begins later."""


class EngineRecord(Value, frozen=True, kw_only=True):
    """The separation engine; the name is empty where nothing was separated."""

    name: str
    device: str
    weights: str
    """Hash of the weights, or the version of an algorithm that has none."""


class Manifest(Value, frozen=True, kw_only=True):
    """The complete record of one job."""

    manifest: int = MANIFEST_VERSION
    job: str
    name: str
    source: SourceRecord
    request: dict[str, object]
    """As `options.record` writes it."""
    engine: EngineRecord
    transcribers: dict[str, str]
    """The transcriber's name for each transcribed stem."""
    music: Music | None
    """Tempo, metre and key of the notes; None where there are none."""
    chords: tuple[Chord, ...] = ()
    """The chords of the clip in order; empty where none were told."""
    warnings: tuple[Warning, ...]
    results: tuple[Result, ...]
    """Without their folder, so that it can be moved with the manifest in it."""
    sizes: dict[str, int] = msgspec.field(default_factory=dict)
    """The size in bytes of each result that lies beside the manifest, by file name; earlier versions wrote none."""
    versions: dict[str, str]
    started: str
    """ISO 8601, UTC."""
    seconds: float
    """How long the job took."""
    cache_key: str = ""
    """`Keys.job`, the hash of everything that the results depend on."""
    line_margins: dict[str, float] = msgspec.field(default_factory=dict)
    """Stems of which the bridge judged whether they are one line: above 0 they were read so, below they have chords."""
    analyses: dict[str, str] = msgspec.field(default_factory=dict)
    """The cache keys of the analyses, by stem; that of the tempo under `tempo`, of the beats under `beats`."""
    peaks: dict[str, bytes] = msgspec.field(default_factory=dict)
    """The waveform of each written stem, as `audio.peaks.Peaks` has it, in Base64."""


def manifest_name(name: str) -> str:
    """The file name of the manifest of the job called `name`."""
    return f"{name}{ENDING}"


def manifest_of(
    job: Job,
    *,
    source: SourceRecord,
    engine: EngineRecord,
    transcribers: dict[str, str],
    chords: tuple[Chord, ...],
    seconds: float,
    cache_key: str,
    sizes: Mapping[str, int] = MappingProxyType({}),
    line_margins: Mapping[str, float] = MappingProxyType({}),
    analyses: Mapping[str, str] = MappingProxyType({}),
    peaks: Mapping[str, bytes] = MappingProxyType({}),
) -> Manifest:
    """The manifest of a job that has just been done, and took that many seconds."""
    return Manifest(
        job=job.id,
        name=job.name,
        source=source,
        request=to_record(job.request),
        engine=engine,
        transcribers=transcribers,
        music=job.music,
        chords=chords,
        warnings=job.warnings,
        results=tuple(msgspec.structs.replace(result, folder="") for result in job.results),
        sizes=dict(sizes),
        versions=versions(),
        started=iso_time(job.submitted_unix),
        seconds=round(seconds, 3),
        cache_key=cache_key,
        line_margins={stem: round(margin, 2) for stem, margin in line_margins.items()},
        analyses=dict(analyses),
        peaks=dict(peaks),
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON in UTF-8."""
    return msgspec.json.format(to_json(manifest), indent=2) + b"\n"


def decode_manifest(text: bytes) -> Manifest:
    """Reads what `encode_manifest` wrote.

    Raises:
        ValueError: the text is not a manifest.
    """
    return from_json(text, Manifest)


def manifest_at(path: Path) -> Manifest:
    """The manifest in this file, or the one in this folder.

    Raises:
        NotFound: there is none, or several.
        NotReadable: the file cannot be read, or is no manifest.
    """
    if path.is_dir():
        found = sorted(path.glob(f"*{ENDING}"))
        if len(found) != 1:
            raise NotFound(
                f"{path} has {'several' if found else 'no'} results.", advice="Name one of the files that lie in it."
            )
        path = found[0]
    try:
        return decode_manifest(read_small(path))
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except OSError as error:
        raise NotReadable(f"{path.name} cannot be read: {error}.") from error
    except ValueError as error:
        raise NotReadable(f"{path.name} is not a record of the bridge, or a broken one.") from error


def iso_time(unix_seconds: float) -> str:
    """`2026-11-22T15:07:10+00:00`."""
    return datetime.datetime.fromtimestamp(unix_seconds, datetime.timezone.utc).isoformat(timespec="seconds")


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the bridge, Python, and the packages that affect the results."""
    found = {
        "source-audio-bridge": __version__,
        "python": platform.python_version(),
        "basic-pitch": network_file.RELEASE,
    }
    for package in (*RECORDED_PACKAGES, *NOTE_PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
