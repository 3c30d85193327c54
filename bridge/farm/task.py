"""A song as the farm passes it on: the record that a worker gets, what it tells, and what it returns.

Everything that travels is msgpack in bytes, checked by whoever reads it; Dask pickles only the name of `run_task`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bridge import __version__
from bridge.events import JobEvent, LiveNotes
from bridge.farm.carrying.values import CarriedFile, Clip
from bridge.farm.values import PLUGIN
from bridge.request import GroupChoice, JobRequest, PlayRequest
from bridge.system.files import modified_ns
from bridge.system.ids import ID_LETTERS
from bridge.value import Value

#: 64 bits: among a million songs, two of one name come once in thirty million libraries.
SONG_ID_LENGTH = 14


class TaskRecord(Value, frozen=True, kw_only=True):
    """What a worker gets."""

    version: str = __version__
    job: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{8,32}\Z")]
    """The id under which the song is computed, wherever it is: see `song_id`."""
    request: JobRequest
    """With the paths of the machine that asks."""
    topic: str
    """Where what happens is told."""
    source_bytes: int
    """The size of the source; another one means that it is not the same file."""
    clip: Clip | None = None
    """The source for a machine that shares no folder; None: none has asked for it."""


class TaskOutcome(Value, frozen=True, kw_only=True):
    """What a worker returns."""

    attempt: str
    """Which run this was of all that were begun."""
    events: tuple[JobEvent, ...]
    """All that last, in order; the last is `Ended`. Of a song that waits for its clip, none."""
    machine: str = ""
    """Which one this was, as Dask calls it: the results lie there, or the clip is wanted there."""
    carried: tuple[CarriedFile, ...] = ()
    """The results that lie there."""


class SongEvent(Value, frozen=True, kw_only=True):
    """An event of a song that is being computed."""

    job: str
    attempt: str
    index: int
    """Its place among the events that last, from 0; -1: it does not last, such as progress."""
    event: JobEvent | LiveNotes


encode = msgspec.msgpack.Encoder().encode
decode_record = msgspec.msgpack.Decoder(TaskRecord).decode
decode_outcome = msgspec.msgpack.Decoder(TaskOutcome).decode
decode_told = msgspec.msgpack.Decoder(SongEvent).decode


def song_of(request: JobRequest) -> JobRequest:
    """The request without what changes no file, but that its notes are to be told while they are found."""
    play = request.play if request.play.is_live or request.play.is_shown else PlayRequest()
    return msgspec.structs.replace(request, play=play, group=GroupChoice())


def needs_gpu(request: JobRequest) -> bool:
    """Whether a song goes only to machines with a graphics processor."""
    return request.engine.device in ("cuda", "mps")


def song_id(request: JobRequest, size_bytes: int, changed_ns: int) -> str:
    """The id of a song: equal for equal requests of an unchanged file, so that nothing is computed twice."""
    same = msgspec.structs.replace(request, play=PlayRequest(), group=GroupChoice())
    content = encode((__version__, same, size_bytes, changed_ns))
    number = int.from_bytes(hashlib.sha256(content).digest(), "big")
    letters = []
    for _ in range(SONG_ID_LENGTH):
        number, letter = divmod(number, len(ID_LETTERS))
        letters.append(ID_LETTERS[letter])
    return "".join(letters)


def record_of(request: JobRequest, topic: str) -> TaskRecord:
    """The record of a request; it looks at the source, so it may wait for a drive.

    Raises:
        OSError: there is no such file.
    """
    found = Path(request.source).stat()
    job = song_id(request, found.st_size, modified_ns(found))
    return TaskRecord(job=job, request=song_of(request), topic=topic, source_bytes=found.st_size)


async def run_task(record: bytes) -> bytes:
    """Computes a song on the worker that this is called on; returns its outcome."""
    from distributed import get_worker  # what calls this has loaded it

    plugins: Any = get_worker().plugins
    outcome: bytes = await plugins[PLUGIN].compute(record)
    return outcome


async def cancel_song(job: str, dask_worker: Any = None) -> None:
    """Cancels a song on a worker, if it computes it; returns when it is over."""
    await dask_worker.plugins[PLUGIN].cancel(job)
