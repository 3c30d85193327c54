"""Reports several jobs that are one group: one progress for all, a line for each clip, and the group's result."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from bridge.cli.output.console import BarReport, PlainConsole
from bridge.cli.output.job_report import outcome_of
from bridge.cli.output.terminal import write_json
from bridge.errors import BridgeError
from bridge.events import Ended, Event, JobEvent, Started, Warned
from bridge.groups.group import Group
from bridge.model import Job, Outcome
from bridge.options.record import event_record
from bridge.stems import STEMS
from bridge.units import clock_text
from bridge.value import Value
from bridge.wording import STAGE_WORDS, STATE_WORDS


class ClipOutcome(Value, frozen=True, kw_only=True):
    """How one clip of a group ended."""

    clip: int
    """Its place on the command line, from 1."""
    file: str
    state: Outcome
    job: Job | None = None
    """None: it was refused, or the command was interrupted before its turn."""
    code: str = ""
    message: str = ""
    """Why it failed; empty unless it did."""

    @property
    def complaint(self) -> str:
        """The message, with the file if it does not name it."""
        return self.message if self.file in self.message else f"{self.file}: {self.message}"


class GroupReport(Protocol):
    """Reports one group."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event, group: Group | None) -> None:
        """An event, and the group after it; None before the first job."""
        ...

    def refuse(self, clip: int, file: str, error: BridgeError) -> None:
        """A clip was rejected with this error, which the command prints on standard error as well."""
        ...

    def conclude(self, clips: Sequence[ClipOutcome], seconds: float) -> None:
        """All clips are over; they took that long together."""
        ...


def group_report_for(name: str, clips: int, *, json: bool) -> GroupReport:
    """The report as text for people, or as JSON only; `name` is the group's."""
    return JsonGroupReport(name) if json else TextGroupReport(PlainConsole(soft_wrap=True), clips)


def state_of(clips: Sequence[ClipOutcome]) -> Outcome:
    """How the group ended: `failed` if a clip did, else `cancelled` if one was, else `done`."""
    states = {clip.state for clip in clips}
    return "failed" if "failed" in states else "cancelled" if "cancelled" in states else "done"


def outcome_of_group(name: str, clips: Sequence[ClipOutcome], seconds: float) -> dict[str, object]:
    """The group as the last JSON object."""
    return {
        "group": name,
        "state": state_of(clips),
        "clips": len(clips),
        **{state: sum(clip.state == state for clip in clips) for state in ("done", "failed", "cancelled")},
        "seconds": round(seconds, 3),
        "results": [_clip_line(clip) for clip in clips],
        "tracks": tracks_of([clip.job for clip in clips if clip.job is not None]),
    }


def tracks_of(jobs: Sequence[Job]) -> list[dict[str, object]]:
    """The files of all jobs as tracks, one for each kind and stem: in each, the clips that have it, in order."""
    tracks: dict[tuple[str, str], list[dict[str, object]]] = {}
    for job in jobs:
        for result in job.results:
            tracks.setdefault((result.kind, result.name), []).append({"clip": job.position, "path": result.path})
    kinds = ("stem", "midi", "notes", "picture", "chords", "score", "dawproject")
    places = {stem: place for place, stem in enumerate(STEMS)}
    order = sorted(tracks, key=lambda key: (kinds.index(key[0]), places.get(key[1], len(places)), key[1]))
    return [{"kind": kind, "name": name, "files": tracks[kind, name]} for kind, name in order]


def _clip_line(clip: ClipOutcome) -> dict[str, object]:
    job = "" if clip.job is None else clip.job.id
    folder = "" if clip.job is None else clip.job.output_dir
    line: dict[str, object] = {"clip": clip.clip, "file": clip.file, "job": job, "state": clip.state}
    line["output_dir"] = folder
    return {**line, "code": clip.code, "message": clip.message} if clip.state == "failed" else line


class JsonGroupReport:
    """Writes one JSON object a line: events with their group and clip, each clip's result, the group's result last."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> JsonGroupReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event, group: Group | None) -> None:
        job = _job_of(event, group)
        if job is None:
            write_json(event_record(event))
            return
        place = {"group": self._name, "clip": job.position}
        write_json({**event_record(event), **place})
        if isinstance(event, Ended):
            write_json({**outcome_of(job), **place})

    def refuse(self, clip: int, file: str, error: BridgeError) -> None:
        line: dict[str, object] = {"job": "", "state": "failed", "stems": [], "midi": []}
        line |= {"code": error.code, "message": str(error), "group": self._name, "clip": clip, "file": file}
        write_json(line)

    def conclude(self, clips: Sequence[ClipOutcome], seconds: float) -> None:
        write_json(outcome_of_group(self._name, clips, seconds))


class TextGroupReport(BarReport):
    """Writes text: one progress bar for all on a terminal, and a line for each clip that is over."""

    def __init__(self, console: PlainConsole, clips: int) -> None:
        super().__init__(console)
        self._clips = clips
        self._refused = 0
        self._engine = ""
        self._warnings = set[str]()

    def show(self, event: Event, group: Group | None) -> None:
        job = _job_of(event, group)
        if job is None or group is None:
            return
        over = group.ended + self._refused
        description = f"{min(over + 1, self._clips)} of {self._clips}  {job.name}: {STAGE_WORDS[job.stage]}"
        if job.state == "running":
            self._bar.update(self._task, completed=group.fraction, description=description)
        match event:
            case Started(engine=engine, device=device) if device and engine != self._engine:
                self._engine = engine
                self._console.print(f"Engine: {engine} on {device}")
            case Warned(warning=warning) if warning.message not in self._warnings:
                self._warnings.add(warning.message)
                self._console.print(f"Note: {job.name}: {warning.message}", style="yellow")
            case Ended():
                self._bar.update(self._task, completed=group.fraction)
                self._console.print(_end_text(job, self._clips))

    def refuse(self, clip: int, file: str, error: BridgeError) -> None:
        del error
        self._refused += 1
        self._console.print(f"{_number(clip, self._clips)}  {file}: {STATE_WORDS['failed']}")

    def conclude(self, clips: Sequence[ClipOutcome], seconds: float) -> None:
        counts = ((sum(clip.state == state for clip in clips), state) for state in ("done", "failed", "cancelled"))
        words = ", ".join(f"{count} {STATE_WORDS[state]}" for count, state in counts if count)  # type: ignore[index]
        self._console.print(f"{len(clips)} clips in {clock_text(seconds)}: {words}")


def _job_of(event: Event, group: Group | None) -> Job | None:
    if group is None or not isinstance(event, JobEvent):
        return None
    return next((job for job in reversed(group.jobs) if job.id == event.job), None)


def _number(clip: int, clips: int) -> str:
    return f"{clip:>{len(str(clips))}}"


def _end_text(job: Job, clips: int) -> str:
    files = len(job.results)
    what = "" if not files else ", 1 file" if files == 1 else f", {files} files"
    where = f" in {job.output_dir}" if files else ""
    return f"{_number(job.position, clips)}  {job.name}: {STATE_WORDS[job.state]}{what}{where}"
