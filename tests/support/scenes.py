"""Jobs, hosts and Pilot steps that the tests of the screen share with its snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.audio.wav_head import float_wav_head
from bridge.errors import BridgeError
from bridge.events import Ended, JobEvent, Preview, Produced, Progressed, Started, Submitted, Warned
from bridge.lifecycle import fold
from bridge.model import Failure, Job, MidiStatus, Port, Result, Stage, Warning
from bridge.options.request import with_options
from bridge.request import GroupChoice, JobRequest, PlayRequest
from tests.support.fakes import FakeBridge, FakeClock, FakeHearing
from tests.support.requests import request_for
from tui.app import SabApp
from tui.host import OpenBridge
from tui.widgets.jobs_table import JobsTable
from tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from bridge.protocols import Samples

PREVIEW_RATE_HZ = 8000
ADDRESS = "osc.udp://127.0.0.1:9720"
MUSIC = "/home/ana/Music/Evening Set"
STEMS = ("vocals", "drums", "bass", "other")
PORTS = MidiStatus(backend="jack", ports=tuple(Port(stem=stem, name=f"SAB {stem.capitalize()}") for stem in STEMS))
NO_MIDI = MidiStatus(message="This machine has no MIDI back-end: start JACK, or load the module snd-seq for ALSA.")
#: How often `settle` looks for the keys at the foot: a screen that is closed may never have them.
MOST_TURNS = 50


@dataclass(frozen=True)
class FakeHost:
    bridge: FakeBridge
    hearing: FakeHearing = field(default_factory=FakeHearing)
    address: str = ADDRESS
    default_sync: str = "now"
    bell: str = "off"
    is_attached: bool = False
    end: BridgeError | None = None
    """Why an attached bridge has ended; to be set before `ended` is."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_ended(self) -> None:
        await self.ended.wait()
        if self.end is not None:
            raise self.end

    @property
    def defaults(self) -> JobRequest:
        return request_for("", engine="draft")

    async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
        return with_options(request_for(source, engine="draft"), options or {})


def opener_of(bridge: FakeBridge, lifetime: list[str] | None = None, hearing: FakeHearing | None = None) -> OpenBridge:
    """Opens `bridge` as the command line would; appends `open` and `closed` to `lifetime`."""

    @asynccontextmanager
    async def open_bridge() -> AsyncIterator[FakeHost]:
        states = [] if lifetime is None else lifetime
        states.append("open")
        try:
            yield FakeHost(bridge, hearing or FakeHearing())
        finally:
            states.append("closed")

    return open_bridge


def app_with(
    jobs: Sequence[Job] = (), midi: MidiStatus = PORTS, hearing: FakeHearing | None = None
) -> tuple[SabApp, FakeBridge]:
    bridge = FakeBridge(table={job.id: job for job in jobs}, midi=midi)
    return SabApp(opener_of(bridge, hearing=hearing), clock=FakeClock(), zone=timezone.utc), bridge


async def settle(pilot: Pilot[None]) -> None:
    """Draws the waiting events now, not at the next redraw. Returns when the keys at the foot stand there."""
    assert isinstance(pilot.app, SabApp)
    pilot.app.redraw()
    await pilot.pause()
    for _ in range(MOST_TURNS):
        if not any(_is_being_made(bar) for bar in pilot.app.screen.query(KeyBar)):
            break
        await pilot.pause()


def _is_being_made(bar: KeyBar) -> bool:
    """Whether a footer has lost its keys and not got the new ones yet: Textual does that in several turns."""
    return bar.display and not any(key.region for key in bar.children)


def submitted(name: str, *, at: float = 1_700_000_000.0, engine: str = "auto") -> Submitted:
    """The job's id is its name in lower case, with dashes."""
    request = request_for(f"{MUSIC}/{name}.wav", engine=engine)
    return Submitted(job=name.lower().replace(" ", "-"), name=name, request=request, unix_seconds=at)


def started(job: str, name: str) -> Started:
    return Started(job=job, engine="htdemucs", device="cpu", output_dir=f"{MUSIC}/stems/{name}")


def playing_live(name: str, *, at: float = 1_700_000_000.0) -> Job:
    """A job with `play live` that runs."""
    first = submitted(name, at=at)
    request = replace(first.request, play=PlayRequest(when_done="live"))
    progress = Progressed(job=first.job, stage="separating", fraction=0.31, eta_seconds=41)
    return fold([replace(first, request=request), started(first.job, name), progress])


def growing_preview(
    path: Path,
    seconds: float,
    there_seconds: float,
    envelope: Callable[[Samples], np.ndarray[Any, np.dtype[Any]]] = lambda time: time / 2,
) -> Preview:
    """The preview of a clip of so many seconds, of which so many are there.

    `envelope` has its level at each moment of the clip, from 0 to 1.
    """
    frames, there = round(seconds * PREVIEW_RATE_HZ), round(there_seconds * PREVIEW_RATE_HZ)
    level = envelope(np.arange(there, dtype=np.float32) / np.float32(frames))
    samples = np.stack((level, -level), axis=1).astype("<f4")
    path.write_bytes(float_wav_head(frames, 2, PREVIEW_RATE_HZ) + samples.tobytes())
    return Preview(stem=path.stem, path=str(path), sample_rate_hz=PREVIEW_RATE_HZ, channels=2)


def running(name: str, stage: Stage, fraction: float, eta_seconds: float | None) -> Job:
    first = submitted(name)
    progress = Progressed(job=first.job, stage=stage, fraction=fraction, eta_seconds=eta_seconds)
    return fold([first, started(first.job, name), progress])


def produced(job: str, name: str, stem: str) -> tuple[Produced, Produced]:
    folder, file = f"{MUSIC}/stems/{name}", f"{name} ({stem.capitalize()})"
    audio = Result(
        kind="stem",
        name=stem,
        folder=folder,
        file=f"{file}.wav",
        seconds=214.2,
        sample_rate_hz=44100,
        channels=2,
        subtype="PCM_24",
    )
    notes = Result(kind="midi", name=stem, folder=folder, file=f"{file}.mid", seconds=214.2, notes=len(stem) * 61)
    return Produced(job=job, result=audio), Produced(job=job, result=notes)


def done(name: str, *, at: float = 1_700_000_400.0, warning: str = "", stems: Sequence[str] = STEMS) -> Job:
    first = submitted(name)
    files = [event for stem in stems for event in produced(first.job, name, stem)]
    warned = [Warned(job=first.job, warning=Warning(code="clipping", message=warning))] if warning else []
    events: list[JobEvent] = [first, started(first.job, name), *files, *warned]
    return fold([*events, Ended(job=first.job, outcome="done", unix_seconds=at)])


def failed(name: str, code: str, message: str, *, at: float = 1_700_000_500.0) -> Job:
    first = submitted(name)
    failure = Failure(code=code, message=message)
    return fold(
        [first, started(first.job, name), Ended(job=first.job, outcome="failed", unix_seconds=at, failure=failure)]
    )


def cancelled(name: str, *, at: float = 1_700_000_300.0) -> Job:
    first = submitted(name)
    return fold([first, Ended(job=first.job, outcome="cancelled", unix_seconds=at)])


def waiting(name: str) -> Job:
    return fold([submitted(name)])


def grouped(*jobs: Job, name: str = "Evening Set", group_id: str = "gid", clips: int = 0) -> tuple[Job, ...]:
    """The jobs as one group, in this order."""
    choice = GroupChoice(name=name, clips=clips)
    return tuple(
        replace(job, group_id=group_id, position=position, request=replace(job.request, group=choice))
        for position, job in enumerate(jobs, 1)
    )


def session_with_groups() -> tuple[Job, ...]:
    """A single job, a group that is over, and one that is under way."""
    return (
        done("Night Bus"),
        *grouped(
            done("Verse", at=1_700_000_410.0),
            failed("Chorus", "engine_failed", "The separation process ended in the middle of the job."),
            cancelled("Bridge"),
            name="Rehearsal",
            group_id="old",
        ),
        *grouped(
            done("Harbour"), failed("Broken Radio", "not_audio", "Broken Radio.wav is not audio."),
            running("Moonlight Sonata Dub", "separating", 0.427, 75.0), waiting("Überfahrt 夜"), clips=6,
        ),
    )  # fmt: skip


def busy_session() -> tuple[Job, ...]:
    """Jobs in every state but failed; one has a warning, one a name with wide characters."""
    return (
        cancelled("Wrong Take"),
        done("Night Bus", warning="The vocals stem would clip in 24 bits, so this job's files are 32-bit float."),
        done("Tiny Lights and Other Long Stories", at=1_700_000_450.0),
        running("Moonlight Sonata Dub", "separating", 0.427, 75.0),
        waiting("Harbour"),
        waiting("Überfahrt 夜"),
    )


def session_with_failure() -> tuple[Job, ...]:
    return (
        done("Night Bus"),
        failed("Broken Radio", "out_of_memory", "There was not enough memory to separate 14 minutes with htdemucs_ft."),
    )


def table(app: SabApp) -> JobsTable:
    return app.screen_stack[1].query_one(JobsTable)


def top_screen(app: SabApp) -> type[object]:
    return type(app.screen)


def toasts(app: SabApp) -> list[tuple[str, str]]:
    return [(toast.title, toast.message) for toast in app._notifications]


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)
