"""Reports a library: a progress bar on a terminal, a line now and then in a log, or JSON for a program."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from bridge.cli.output.console import BarReport, PlainConsole
from bridge.cli.output.terminal import write_json
from bridge.library.failures import NAME as FAILED
from bridge.library.forecast import Progress
from bridge.library.session import LibraryEnd, LibraryListener
from bridge.library.song import FailedSong, Song
from bridge.library.survey import Counts
from bridge.units import clock_text

#: So many failures are shown at the end; all of them are in the file.
MOST_SHOWN = 20
TERMINAL_SECONDS, LOG_SECONDS = 0.5, 30.0


class LibraryReport(LibraryListener, Protocol):
    """Reports one library."""

    @property
    def tick_seconds(self) -> float:
        """How often it wants to be told of the progress."""
        ...

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def conclude(self, end: LibraryEnd) -> None:
        """The library is over for now."""
        ...


def library_report_for(out: Path, *, json: bool) -> LibraryReport:
    """The report as text for people, or as JSON only."""
    return JsonLibraryReport(out) if json else TextLibraryReport(PlainConsole(soft_wrap=True), out)


class JsonLibraryReport:
    """Writes one JSON object a line: what the survey found, each song, the progress now and then, the end last."""

    tick_seconds = LOG_SECONDS

    def __init__(self, out: Path) -> None:
        self._out = out

    def __enter__(self) -> JsonLibraryReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def surveying(self, counts: Counts) -> None:
        write_json({"event": "surveying", **_counts(counts)})

    def surveyed(self, counts: Counts) -> None:
        write_json({"event": "surveyed", **_counts(counts)})

    def song_done(self, song: Song, folder: str, seconds: float) -> None:
        write_json({"event": "done", "file": song.source, "output_dir": folder, "seconds": round(seconds, 3)})

    def song_failed(self, failed: FailedSong) -> None:
        line = {"event": "failed", "file": failed.song.source, "code": failed.code, "message": failed.message}
        write_json(line)

    def waiting(self, problem: str) -> None:
        write_json({"event": "waiting", "message": problem} if problem else {"event": "going_on"})

    def progress(self, progress: Progress) -> None:
        write_json({"event": "progress", **msgspec.to_builtins(progress)})

    def conclude(self, end: LibraryEnd) -> None:
        line: dict[str, object] = {"state": _state(end), "out": str(self._out), "found": end.counts.found}
        line |= {"done_before": end.counts.done, "failed_before": end.counts.failed}
        line |= {"unreadable": end.counts.unreadable}
        line |= {"done": end.done, "failed": end.failed, "left": end.left, "seconds": round(end.seconds, 3)}
        if end.problem is not None:
            line["code"], line["message"] = end.problem
        if end.all_failed:
            line["failures"] = str(self._out / FAILED)
        write_json(line)


class TextLibraryReport(BarReport):
    """Writes text."""

    def __init__(self, console: PlainConsole, out: Path) -> None:
        super().__init__(console)
        self._out = out
        self._shown: list[str] = []

    @property
    def tick_seconds(self) -> float:
        return TERMINAL_SECONDS if self._console.is_terminal else LOG_SECONDS

    def surveying(self, counts: Counts) -> None:
        self._bar.update(self._task, completed=0.0, description=f"Looking for songs: {counts.found:,}", left="")
        if not self._console.is_terminal and counts.found:
            self._console.print(f"Looking for songs: {counts.found:,}")

    def surveyed(self, counts: Counts) -> None:
        words = [f"{counts.done:,} done", f"{counts.failed:,} failed before"] if counts.done or counts.failed else []
        words += [f"{counts.unreadable:,} cannot be read"] if counts.unreadable else []
        self._console.print(f"{_songs(counts.found)}: {', '.join([*words, f'{counts.to_do:,} to do'])}")

    def song_done(self, song: Song, folder: str, seconds: float) -> None:
        """Says nothing: there may be 100 000."""

    def song_failed(self, failed: FailedSong) -> None:
        if len(self._shown) < MOST_SHOWN:
            source = failed.song.source
            self._shown.append(failed.message if source in failed.message else f"{source}: {failed.message}")

    def waiting(self, problem: str) -> None:
        words = f"{problem} It is waited for; Ctrl-C ends that." if problem else "The farm is there: it goes on."
        self._console.print(words, style="yellow" if problem else "")

    def progress(self, progress: Progress) -> None:
        over = progress.done + progress.failed
        self._bar.update(
            self._task,
            completed=over / max(1, progress.songs),
            description=f"{over:,} of {progress.songs:,}",
            left=_pace(progress),
        )
        if not self._console.is_terminal:
            self._console.print(f"{over:,} of {progress.songs:,}  {_pace(progress)}".rstrip())

    def conclude(self, end: LibraryEnd) -> None:
        for line in self._shown:
            self._console.print(f"Failed: {line}", style="yellow")
        if end.failed > len(self._shown):
            self._console.print(f"… and {end.failed - len(self._shown):,} more")
        words = [f"{_songs(end.done)} done in {clock_text(end.seconds)}"]
        words += [f"{end.failed:,} failed"] if end.failed else []
        words += [f"{end.left:,} left"] if end.left else []
        self._console.print(f"{', '.join(words)}: {self._out}")
        if end.all_failed:
            again = " With --again it is tried once more." if end.failed or end.counts.failed else ""
            self._console.print(f"What failed is listed in {self._out / FAILED}.{again}")
        if end.is_interrupted:
            self._console.print("Say the same command again: it goes on.")


def left_text(seconds: float) -> str:
    """`about 2 d 4 h`, `about 3 h 20 min`, `about 12 min`, `less than a minute`: no more than two units."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} min"
    if minutes < 24 * 60:
        return f"about {minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"about {hours // 24} d {hours % 24} h"


def _pace(progress: Progress) -> str:
    words = [f"{progress.failed:,} failed"] if progress.failed else []
    if progress.songs_per_hour is not None and progress.audio_minutes_per_minute is not None:
        words += [
            f"{progress.songs_per_hour:,.0f} songs/h",
            f"{progress.audio_minutes_per_minute:.1f} min of sound/min",
        ]
    if progress.left_seconds is not None and progress.running:
        words.append(f"{left_text(progress.left_seconds)} left")
    return ", ".join(words)


def _songs(count: int) -> str:
    return "1 song" if count == 1 else f"{count:,} songs"


def _counts(counts: Counts) -> dict[str, object]:
    return {**msgspec.to_builtins(counts), "to_do": counts.to_do}


def _state(end: LibraryEnd) -> str:
    if end.is_interrupted:
        return "cancelled"
    return "failed" if end.problem is not None or end.all_failed else "done"
