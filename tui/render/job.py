"""One job as one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Columns:
    """The width of each column in cells; a row has one blank on both sides and two between columns."""

    name: int
    stage: int = 13
    bar: int = 10
    percent: int = 4
    eta: int = 5
    engine: int = 11
    files: int = 5

    @property
    def middle(self) -> int:
        """Bar, percentage and time left together: a job that is over shows its folder or failure there."""
        return self.bar + 1 + self.percent + 2 + self.eta


def columns(width: int) -> Columns:
    """Columns that fill `width` cells, at least 72; a wide screen has a longer bar and counts the files by kind."""
    base = Columns(name=0, bar=22, files=16) if width >= 110 else Columns(name=0)
    taken = 5 + base.stage + base.middle + base.engine + base.files + 8
    return Columns(name=max(8, width - taken), bar=base.bar, files=base.files)


def table_heading(width: int, palette: Palette) -> Text:
    cells = columns(width)
    words = (
        fit("Name", cells.name),
        fit("Now", cells.stage),
        fit("Progress", cells.bar + 1 + cells.percent),
        fit("Left", cells.eta, right=True),
        fit("Engine", cells.engine),
        fit("Files", cells.files),
    )
    return _line(f" {' '}  " + "  ".join(words[:3]) + "  " + "  ".join(words[3:]), width, palette.muted)


def job_row(
    job: Job,
    width: int,
    palette: Palette,
    *,
    playing: bool = False,
    armed: bool = False,
    selected: bool = False,
    indented: bool = False,
) -> Text:
    """The job in exactly `width` cells; `width` is at least 72. `indented`: it stands below its group."""
    cells = columns(width)
    style = state_style(job.state, palette)
    text = Text(" ", style=palette.text, no_wrap=True, end="")
    text.append(*_mark(job, palette, playing=playing))
    text.append("  ").append(
        fit(f"  {job.name}" if indented else job.name, cells.name), palette.muted if job.state == "cancelled" else ""
    )
    text.append("  ").append(
        fit(_playing_words(job) if playing else "armed" if armed else stage_words(job), cells.stage),
        palette.accent if playing or armed else style,
    )
    text.append("  ").append_text(_middle(job, cells, palette))
    text.append("  ").append(fit(job.engine or _requested_engine(job), cells.engine), palette.muted)
    text.append("  ").append(fit(file_count(job.results, words=cells.files >= 16), cells.files), palette.muted)
    text.append(" ")
    if selected:
        text.stylize_before(palette.selection)  # before: the empty part of a bar keeps its own background
    return text


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
