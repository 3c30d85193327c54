"""What `sab watch` prints: a few lines for each clip, or JSON; at the end, what has failed and why."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.cli.output.terminal import write_block, write_json, write_line, write_report
from bridge.events import Ended, JobEvent, Noticed, Requeued, Started, Warned
from bridge.model import Job
from bridge.options.record import event_record
from bridge.watch.folder_watch import News
from bridge.watch.values import WatchedClip

_TRIED_AGAIN = "It may not be complete: it is tried again until it has not changed for 5 minutes."


class WatchReport:
    """Reports one watched folder."""

    def __init__(self, folder: Path, *, json: bool) -> None:
        self._folder = folder
        self.is_json = json
        self.failed = 0
        """Clips of the folder that have failed, when it is watched no more."""

    def begin(self, address: str, *, is_attached: bool) -> None:
        """The folder is watched from now on, with the bridge at this address."""
        if self.is_json:
            write_json({"watching": str(self._folder), "address": address, "attached": is_attached})
            return
        write_line(f"watching {self._folder}")
        self.note(f"The bridge at {address} does the work." if is_attached else f"A bridge listens on {address}.")

    def tell(self, news: News) -> None:
        """What has become of a clip, or what the user has to know."""
        if isinstance(news, Noticed):
            if self.is_json:
                write_json(event_record(news))
            else:
                self.note(news.message)
            return
        if self.is_json:
            write_json(_clip_record(self._folder, news))
        elif news.message:
            again = f" {_TRIED_AGAIN}" if news.state == "waiting" else ""
            self.note(f"{news.path}: {news.state}: {news.code}: {news.message}{again}")
        elif not news.job:
            self.note(f"{news.path}: done before")

    def event(self, event: JobEvent, job: Job) -> None:
        """An event of a clip's job: all of them as JSON, and of those that people need, the clip's name with it."""
        if self.is_json:
            write_json(event_record(event))
            return
        path = Path(job.request.source)
        name = path.relative_to(self._folder) if path.is_relative_to(self._folder) else path
        match event:
            case Started(engine=engine, device=device) if device:
                self.note(f"{name}: {engine} on {device}")
            case Requeued(reason=reason):
                self.note(f"{name}: waits again{f': {reason}' if reason else ''}")
            case Warned(warning=warning):
                self.note(f"{name}: {warning.code}: {warning.message}")
            case Ended(outcome="done"):
                self.note(f"{name}: done: {job.output_dir}")
            case _:  # why it has failed, `tell` says
                pass

    def note(self, words: str) -> None:
        """One line with the time, on standard error."""
        now = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
        write_report(f"{now} {words}")

    def conclude(self, clips: Mapping[str, WatchedClip]) -> None:
        """The folder is watched no more: how many are done, and which have failed."""
        self.failed = _counts(clips)["failed"]
        if self.is_json:
            write_json(_summary(self._folder, clips))
            return
        for line in _lines(clips):
            write_report(line)


def write_list(folder: Path, clips: Mapping[str, WatchedClip], *, json: bool) -> None:
    """What is known of a folder's clips, as `sab watch --list` prints it."""
    if json:
        write_json(_summary(folder, clips))
    else:
        write_block(_lines(clips))


def _lines(clips: Mapping[str, WatchedClip]) -> Iterable[str]:
    counts = _counts(clips)
    yield ", ".join(f"{count} {state}" for state, count in counts.items() if count or state == "done")
    refused = [clip for clip in clips.values() if clip.message]
    yield from (f"  {clip.path}: {clip.state}: {clip.code}: {clip.message}" for clip in refused)
    if any(clip.state == "failed" for clip in refused):
        yield "`sab watch --again FOLDER` tries them again."


def _counts(clips: Mapping[str, WatchedClip]) -> dict[str, int]:
    states = [clip.state for clip in clips.values()]
    waiting = states.count("waiting") + states.count("submitted")
    return {"done": states.count("done"), "failed": states.count("failed"), "waiting": waiting}


def _summary(folder: Path, clips: Mapping[str, WatchedClip]) -> dict[str, object]:
    refused = [_clip_record(folder, clip) for clip in clips.values() if clip.message]
    return {"folder": str(folder), **_counts(clips), "refused": refused}


def _clip_record(folder: Path, clip: WatchedClip) -> dict[str, object]:
    record: dict[str, object] = {"file": str(folder / clip.path), "state": clip.state, "job": clip.job}
    return {**record, "code": clip.code, "message": clip.message} if clip.message else record
