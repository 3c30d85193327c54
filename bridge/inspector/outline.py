"""`python -m bridge.inspector.outline`: the waveform of one file; started for it, and killed where nobody wants it.

It decodes, which the inspector never does: a song takes a second or more of a core, with low priority.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.errors import BridgeError, EngineFailed, NotAudio, error_for
from bridge.inspector.messages import Refusal
from bridge.processes.frames import MAX_BYTES
from bridge.protocols.looking import OUTLINE_SPANS
from bridge.system.own_program import own_program
from bridge.system.priority import SHOWING, give_way
from bridge.system.waiting import within
from bridge.value import Value

#: How long a file may take; the longest that the bridge takes needs half a minute.
OUTLINE_SECONDS = 120.0
#: Peaks are first taken of so many frames, then of equal parts of the file, whose length may be unknown before.
_SPAN_FRAMES = 256


class OutlineRequest(Value, frozen=True, kw_only=True):
    """What the process reads from its standard input."""

    path: str
    max_seconds: float
    roots: tuple[str, ...] = ()


class Outline(Value, frozen=True, kw_only=True):
    """What it writes."""

    peaks: bytes = b""
    """The mean peak of equal parts of the file, 0–255; the loudest part has 255."""
    refusal: Refusal | None = None


async def outline_of(request: OutlineRequest) -> bytes:
    """The peaks of a file, from a process of its own. See `protocols.Bridge.outline`."""
    process = await asyncio.create_subprocess_exec(
        *own_program("bridge.inspector.outline"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        written, _ = await within(process.communicate(msgspec.msgpack.encode(request)), OUTLINE_SECONDS)
        answer = msgspec.msgpack.decode(written, type=Outline)
    except asyncio.TimeoutError:
        raise EngineFailed("The waveform takes too long.", advice="Type the region instead.") from None
    except (msgspec.MsgspecError, ValueError):
        raise EngineFailed("The waveform cannot be drawn.", advice="Type the region instead.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if answer.refusal is not None:
        raise error_for(answer.refusal.code, answer.refusal.message, answer.refusal.advice)
    return answer.peaks


def main() -> int:
    """Reads a request, writes its outline."""
    give_way(SHOWING)
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(MAX_BYTES), type=OutlineRequest)
    try:
        outline = Outline(peaks=peaks_of(request))
    except BridgeError as error:
        outline = Outline(refusal=Refusal(code=error.code, message=error.message, advice=error.advice))
    sys.stdout.buffer.write(msgspec.msgpack.encode(outline))
    return 0


def peaks_of(request: OutlineRequest) -> bytes:
    """Decodes a file, a block at a time, and holds only its peaks.

    Raises:
        NotFound, NotReadable, NotAudio, TooLong, OutsideRoots: it cannot be read.
    """
    import numpy as np

    from bridge.audio.decoding.damage import Damage
    from bridge.audio.decoding.header import IncompleteError
    from bridge.audio.source import find_region
    from bridge.project_paths import check_roots

    path = Path(request.path)
    check_roots(path, tuple(map(Path, request.roots)))
    decoder = find_region(path, 0.0, None, request.max_seconds).decoder
    while True:
        spans: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
        try:
            for _, block in decoder.blocks(0, Damage()):
                levels = np.nan_to_num(np.abs(block).max(axis=1, initial=0.0), posinf=1.0)
                starts = np.arange(0, len(levels), _SPAN_FRAMES)
                if len(levels):
                    spans.append(np.maximum.reduceat(levels, starts))
            break
        except IncompleteError as incomplete:
            decoder = incomplete.instead
    if not spans:
        raise NotAudio(f"{path.name} contains no audio.")
    peaks = np.concatenate(spans)
    edges = np.linspace(0, len(peaks), min(OUTLINE_SPANS, len(peaks)), endpoint=False).astype(int)
    levels = np.add.reduceat(peaks, edges) / np.diff(edges, append=len(peaks))
    return bytes(np.rint(255 * levels / max(levels.max(), 1e-9)).astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
