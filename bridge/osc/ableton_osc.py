"""Queries a running AbletonOSC for the clip that is selected in Live's Session view.

AbletonOSC (github.com/ideoforms/AbletonOSC) is a control surface script: it needs no Max. It listens on port 11000 and
answers every query under the query's own address, always to port 11001, in Live's next tick (0.1 s). A query that it
cannot answer gets `/live/error` from newer versions, and no answer from older ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import cast

from bridge.config import DEFAULT_HOST
from bridge.errors import BadArguments, NotFound
from bridge.osc.addresses import Argument, Message
from bridge.osc.codec import Rejected, decode, encode
from bridge.system.waiting import within

LIVE_PORT = 11_000
ANSWER_PORT = 11_001
#: Live may be busy for a moment, and UDP may lose a query: each is sent up to this many times.
TRIES = 3
ANSWER_SECONDS = 1.0

_ERROR = "/live/error"


class NoLive(NotFound):
    """No AbletonOSC answers."""


@dataclass(frozen=True)
class LiveClip:
    """An audio clip in a slot of the Session view."""

    path: str
    name: str
    warped: bool
    start_seconds: float | None
    """Start of the part that plays, from the file's start. None: unknown, or in beats because the clip is warped."""
    end_seconds: float | None
    """End of that part; may be after the end of the file."""
    tempo_bpm: float | None
    """Tempo of the Live Set; None where the clip is warped, because its file then has its own tempo."""
    track: str = ""
    """The track's name; empty: unknown."""
    track_number: int = 0
    """From 1, as Live shows it; 0: unknown. Likewise `scene_number`."""
    scene_number: int = 0
    length_beats: float | None = None
    """Length of what a warped clip plays; None where it is not warped, or unknown."""
    arrangement_clips: int | None = None
    """How many clips the track has in the Arrangement; None: this AbletonOSC does not tell."""

    @property
    def place(self) -> str:
        """`track 2 "Keys", scene 5`."""
        name = f' "{self.track}"' if self.track else ""
        return f"track {self.track_number}{name}, scene {self.scene_number}"

    @property
    def summary(self) -> str:
        """Which clip it is, in a line: its name, place and length."""
        length = ""
        if self.length_beats is not None:
            length = f", {self.length_beats:g} {'beat' if self.length_beats == 1 else 'beats'}, warped"
        elif self.start_seconds is not None and self.end_seconds is not None:
            length = f", {self.end_seconds - self.start_seconds:.1f} s"
        return f'"{self.name}" in {self.place}{length}'

    @property
    def may_be_another(self) -> bool:
        """Whether a clip of the Arrangement may be meant: see `selected_clip`."""
        return bool(self.arrangement_clips)

    @property
    def set_is_unsaved(self) -> bool:
        """Whether the clip was recorded into a Live Set that has not been saved yet."""
        return any(re.search(r"\bTemp\b.* Project$", part) for part in PurePath(self.path.replace("\\", "/")).parts)

    def options(self) -> dict[str, str | float]:
        """The options of a job for this clip, by their names in `options.OPTIONS`."""
        options: dict[str, str | float | None] = {
            "name": re.sub(r"[/\\]", "-", self.name).strip(" .") or None,
            "start": self.start_seconds,
            "end": self.end_seconds,
            "tempo": self.tempo_bpm,
        }
        return {name: value for name, value in options.items() if value is not None}


async def selected_clip(port: int = LIVE_PORT, answer_port: int = ANSWER_PORT) -> LiveClip:
    """The clip in the selected track and the selected scene of Live on this computer.

    That is all that AbletonOSC tells of the selection. With the Arrangement in front it is some clip of the Session
    that nobody looks at, and no query tells which view is in front; so the number of the track's Arrangement clips is
    asked for, too: where there are none, no other clip of the track can be meant.

    Raises:
        NoLive: AbletonOSC does not answer, or `answer_port` is in use.
        NotFound: no clip is selected, or it has no file.
        BadArguments: it is a MIDI clip.
    """
    async with _open_live(port, answer_port) as live:
        tempo = await live.query("/live/song/get/tempo")  # every version answers this one
        selected = await live.query("/live/view/get/selected_clip")
        if selected is None or len(selected) < 2:
            raise _nothing_selected("" if selected is None else "Live names no clip.")
        track, scene = (int(cast(float, number)) for number in selected[:2])
        is_audio = await live.query("/live/clip/get/is_audio_clip", track, scene)
        place = f"track {track + 1}, scene {scene + 1}"
        if is_audio is None:
            raise _nothing_selected(f"There is no clip in {place}.")
        if not is_audio[-1]:
            raise BadArguments(f"The clip in {place} holds MIDI notes.", advice="Select an audio clip.")
        path = await live.text("file_path", track, scene)
        if not path:
            raise NotFound(f"The clip in {place} has no file.", advice="Let Live finish recording it, then try again.")
        warped = await live.number("warping", track, scene) != 0.0
        start, end = (None, None) if warped else await _played_range(live, track, scene)
        first, last = (await _loop(live, track, scene)) if warped else (None, None)
        named = await live.query("/live/track/get/name", track)
        in_arrangement = await live.query("/live/track/get/arrangement_clips/name", track)
        return LiveClip(
            path=path,
            name=await live.text("name", track, scene),
            warped=warped,
            start_seconds=start,
            end_seconds=end,
            tempo_bpm=None if warped or tempo is None else float(cast(float, tempo[-1])),
            track=str(named[1]) if named is not None and len(named) > 1 else "",
            track_number=track + 1,
            scene_number=scene + 1,
            length_beats=None if first is None or last is None else last - first,
            arrangement_clips=None if in_arrangement is None else len(in_arrangement) - 1,
        )


async def _played_range(live: _LiveConnection, track: int, scene: int) -> tuple[float | None, float | None]:
    """The range of its file that an unwarped clip plays, in seconds: from the first sample played to the loop's end.

    A clip that is not looped plays between the ends of its loop, too. Its end marker may be a number of beats from the
    time when it was warped.
    """
    start, end = await _loop(live, track, scene)
    if await live.number("looping", track, scene):
        marker = await live.number("start_marker", track, scene)
        start = marker if start is None else start if marker is None else min(start, marker)
    if start is None or end is None or end <= max(start, 0.0):
        return None, None
    return max(start, 0.0), end


async def _loop(live: _LiveConnection, track: int, scene: int) -> tuple[float | None, float | None]:
    """The ends of its loop: in beats where the clip is warped, else in seconds."""
    return await live.number("loop_start", track, scene), await live.number("loop_end", track, scene)


def _nothing_selected(words: str) -> NotFound:
    return NotFound(
        words or "No clip is selected in Live: the selected track has no clip slots.",
        advice="Click an audio clip in the Session view, then try again. AbletonOSC does not see the Arrangement.",
    )


@asynccontextmanager
async def _open_live(port: int, answer_port: int) -> AsyncIterator[_LiveConnection]:
    try:
        # AbletonOSC answers to the sender's host, always on the answer port.
        transport, live = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _LiveConnection(port), local_addr=(DEFAULT_HOST, answer_port)
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NoLive(
            f"UDP port {answer_port}, where AbletonOSC answers, cannot be opened: {reason}.",
            advice="Close the other program that talks to AbletonOSC, then try again.",
        ) from error
    try:
        yield live
    finally:
        transport.close()
        await live.closed.wait()


class _LiveConnection(asyncio.DatagramProtocol):
    """A connection to AbletonOSC: one query at a time, then its answer."""

    def __init__(self, port: int) -> None:
        self.closed = asyncio.Event()
        self._port = port
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._has_answered = False
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # not its subclass before Python 3.12

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed.set()

    def error_received(self, exc: Exception) -> None:
        """The port is closed; `query` times out."""

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's signature
        for message in decode(data):
            if not isinstance(message, Rejected):
                self._received.put_nowait(message)

    async def text(self, what: str, track: int, scene: int) -> str:
        """A text property of a clip; "" if Live does not report it."""
        found = await self.query(f"/live/clip/get/{what}", track, scene)
        return "" if found is None or not isinstance(found[-1], str) else found[-1]

    async def number(self, what: str, track: int, scene: int) -> float | None:
        """A numeric property of a clip; None if Live does not report it."""
        found = await self.query(f"/live/clip/get/{what}", track, scene)
        return None if found is None or not isinstance(found[-1], (int, float)) else float(found[-1])

    async def query(self, address: str, *arguments: int) -> tuple[Argument, ...] | None:
        """Sends a query and returns the arguments of its answer; None if AbletonOSC cannot answer it.

        Raises:
            NoLive: no query has been answered yet.
        """
        self._received = asyncio.Queue()  # a query that was sent twice may have been answered twice
        # Once AbletonOSC has answered, silence means that an older version cannot answer this query.
        for _ in range(TRIES - 1 if self._has_answered else TRIES):
            assert self._transport is not None
            self._transport.sendto(encode(Message(address, arguments)), (DEFAULT_HOST, self._port))
            try:
                return await within(self._answer(address, arguments), ANSWER_SECONDS)
            except asyncio.TimeoutError:
                continue
        if self._has_answered:
            return None
        raise NoLive(
            f"No AbletonOSC answers on UDP port {self._port}.",
            advice="Start Live, and choose AbletonOSC as a control surface in its settings under Link, Tempo & MIDI; "
            "to install it: github.com/ideoforms/AbletonOSC.",
        )

    async def _answer(self, address: str, arguments: tuple[int, ...]) -> tuple[Argument, ...] | None:
        while True:
            message = await self._received.get()
            if message.address == _ERROR:
                self._has_answered = True
                return None
            if message.address == address and message.arguments[: len(arguments)] == arguments and message.arguments:
                self._has_answered = True
                return message.arguments
