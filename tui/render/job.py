"""One job as one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from rich.cells import cell_len
from rich.text import Text

from bridge.model import Job, Result, State
from bridge.units import clock_text
from bridge.wording import STAGE_WORDS, STATE_WORDS
from tui.render.bar import bar, percent_text
from tui.render.fit import fit
from tui.render.roles import Palette

MARKS = {"queued": "○", "running": "◐", "done": "●", "failed": "✕", "cancelled": "–"}
PLAYING_MARK, WARNED_MARK = "♪", "!"
#: Cells for `yesterday`; a narrower column has shorter words.
LONG_WHEN = 9


@dataclass(frozen=True)
class Columns:
    """The width of each column in cells; a row has one blank on both sides and two between columns."""

    name: int
    stage: int = 13
    bar: int = 10
    percent: int = 4
    eta: int = 5
    when: int = LONG_WHEN
    length: int = 0
    engine: int = 9
    files: int = 0
    origin: int = 0

    @property
    def middle(self) -> int:
        """Bar, percentage and time left together: a job that is over shows its folder or failure there."""
        return self.bar + 1 + self.percent + 2 + self.eta

    @property
    def last(self) -> tuple[int, ...]:
        """The widths of the columns behind the middle that are shown."""
        return tuple(cells for cells in (self.when, self.length, self.engine, self.files, self.origin) if cells)


def columns(width: int) -> Columns:
    """Columns that fill `width` cells, at least 58: the wider, the more of them, and the longer the bar."""
    if width >= 140:
        base = Columns(name=0, bar=22, length=6, engine=11, files=16, origin=12)
    elif width >= 110:
        base = Columns(name=0, bar=12, length=6, engine=11, files=14)
    elif width >= 72:
        base = Columns(name=0, when=6)
    else:
        base = Columns(name=0, bar=6, stage=12, when=6, engine=0)
    taken = 4 + base.stage + 2 + base.middle + sum(2 + cells for cells in base.last) + 3
    return replace(base, name=max(8, width - taken))


def table_heading(width: int, palette: Palette) -> Text:
    cells = columns(width)
    words = [
        fit("Name", cells.name),
        fit("Now", cells.stage),
        fit("Progress", cells.bar + 1 + cells.percent),
        fit("Left", cells.eta, right=True),
        fit("When", cells.when),
        fit("Length", cells.length, right=True),
        fit("Engine", cells.engine),
        fit("Files", cells.files),
        fit("From", cells.origin),
    ]
    return _line("    " + "  ".join(word for word in words if word), width, palette.muted)


def day_line(words: str, width: int, palette: Palette) -> Text:
    """The line above the jobs of one day."""
    return _line(f"    {words}", width, f"bold {palette.muted}".strip())


def job_row(
    job: Job,
    width: int,
    palette: Palette,
    *,
    playing: bool = False,
    armed: bool = False,
    selected: bool = False,
    marked: bool = False,
    indented: bool = False,
    when: str = "",
) -> Text:
    """The job in exactly `width` cells; `width` is at least 58.

    Args:
        indented: it stands below its group.
        when: when it ended, in words.
    """
    cells = columns(width)
    style = state_style(job.state, palette)
    text = marked_start(palette, marked=marked)
    text.append(*_mark(job, palette, playing=playing))
    text.append("  ").append(
        fit(f"  {job.name}" if indented else job.name, cells.name), palette.muted if job.state == "cancelled" else ""
    )
    text.append("  ").append(
        fit(_playing_words(job) if playing else "armed" if armed else stage_words(job), cells.stage),
        palette.accent if playing or armed else style,
    )
    text.append("  ").append_text(_middle(job, cells, palette))
    last = (
        fit(when, cells.when),
        fit(length_text(job.results), cells.length, right=True),
        fit(job.engine or _requested_engine(job), cells.engine),
        fit(file_count(job.results), cells.files),
        fit(job.origin, cells.origin),
    )
    end_row(text, last, width, palette)
    if selected:
        text.stylize_before(palette.selection)  # before: the empty part of a bar keeps its own background
    return text


def marked_start(palette: Palette, *, marked: bool) -> Text:
    """The first cell of a row."""
    text = Text(style=palette.text, no_wrap=True, end="")
    return text.append("▌" if marked else " ", palette.accent)


def end_row(text: Text, last: Sequence[str], width: int, palette: Palette) -> None:
    """Adds the last columns, each as wide as it is shown, and fills the row."""
    text.append("  ").append("  ".join(word for word in last if word), palette.muted)
    text.append(" " * max(0, width - text.cell_len))


def length_text(results: Sequence[Result]) -> str:
    """The length of the clip, as `3:34`; empty while there are no files."""
    return clock_text(max(result.seconds for result in results)) if results else ""


def _mark(job: Job, palette: Palette, *, playing: bool) -> tuple[str, str]:
    """The state of a job as one cell, and its style; a job that is done with warnings has a separate mark."""
    if playing:
        return PLAYING_MARK, palette.accent
    if job.state == "done" and job.warnings:
        return WARNED_MARK, f"bold {palette.warning}".strip()
    return MARKS[job.state], state_style(job.state, palette)


def _playing_words(job: Job) -> str:
    return "playing live" if job.state == "running" else "playing"


def stage_words(job: Job) -> str:
    return STAGE_WORDS[job.stage] if job.state == "running" else STATE_WORDS[job.state]


def state_style(state: State, palette: Palette) -> str:
    return {"running": palette.accent, "done": palette.good, "failed": palette.bad}.get(state, palette.muted)


def eta_text(job: Job) -> str:
    """The time left, as `1:15`; empty where it is unknown."""
    return "" if job.eta_seconds is None or job.eta_seconds < 0 else clock_text(job.eta_seconds)


def file_count(results: Sequence[Result], *, words: bool = True) -> str:
    """`4 stems, 3 MIDI, 1 more`, or without `words` `8`; empty while there are no files."""
    if not words:
        return str(len(results)) if results else ""
    stems = sum(result.kind == "stem" for result in results)
    midi = sum(result.kind == "midi" for result in results)
    more = len(results) - stems - midi
    counts = [(stems, f"{stems} stem{'s' if stems != 1 else ''}"), (midi, f"{midi} MIDI"), (more, f"{more} more")]
    return ", ".join(text for count, text in counts if count)


def _requested_engine(job: Job) -> str:
    return "" if job.request.engine.name == "auto" else job.request.engine.name


def _middle(job: Job, cells: Columns, palette: Palette) -> Text:
    if job.state == "running":
        filled, rest = bar(job.fraction, cells.bar)
        text = Text().append(filled, f"{palette.accent} {palette.faint}".strip()).append(rest, palette.faint)
        text.append(" ").append(fit(percent_text(job.fraction), cells.percent, right=True), palette.accent)
        style = palette.warning if job.is_slower else palette.muted
        return text.append("  ").append(fit(eta_text(job), cells.eta, right=True), style)
    if job.state == "failed":
        return Text(fit(job.failure.message if job.failure else "", cells.middle), style=palette.bad)
    return Text(fit(_folder_text(job, cells.middle) if job.results else "", cells.middle), style=palette.muted)


def _folder_text(job: Job, width: int) -> str:
    """As many of the last parts of the output folder as fit."""
    parts = PurePath(job.output_dir).parts
    tails = [f"→ {PurePath(*parts[index:])}" for index in range(len(parts))]
    return next((tail for tail in tails if cell_len(tail) <= width), tails[-1] if tails else "")


def _line(text: str, width: int, style: str) -> Text:
    return Text(fit(text, width), style=style, no_wrap=True, end="")
