"""One group as one row, and its details."""

from __future__ import annotations

from rich.text import Text

from bridge.groups.group import Group
from bridge.model import State
from bridge.plain import plain
from bridge.units import clock_text
from bridge.wording import STATE_WORDS
from tui.render.bar import bar, percent_text
from tui.render.fit import fit, wrap
from tui.render.job import columns, end_row, file_count, marked_start, stage_words, state_style
from tui.render.roles import Palette

CLOSED_MARK, OPEN_MARK = "▸", "▾"
#: In the order in which counts are told.
_STATES: tuple[State, ...] = ("done", "failed", "cancelled", "running", "queued")


def group_row(
    group: Group,
    width: int,
    palette: Palette,
    *,
    is_open: bool = False,
    selected: bool = False,
    marked: bool = False,
    when: str = "",
) -> Text:
    """The group in exactly `width` cells; `width` is at least 58. `when`: when it ended, in words."""
    cells = columns(width)
    style = state_style(group.state, palette)
    text = marked_start(palette, marked=marked)
    text.append(OPEN_MARK if is_open else CLOSED_MARK, style)
    text.append("  ").append(fit(group.name, cells.name))
    text.append("  ").append(fit(_now(group), cells.stage), style)
    text.append("  ")
    if group.is_over or group.state == "queued":
        text.append(fit(counts_of(group) if group.is_over else "", cells.middle), palette.muted)
    else:
        filled, rest = bar(group.fraction, cells.bar)
        text.append(filled, f"{palette.accent} {palette.faint}".strip()).append(rest, palette.faint)
        text.append(" ").append(fit(percent_text(group.fraction), cells.percent, right=True), palette.accent)
        text.append("  ").append(fit("", cells.eta))
    engines = dict.fromkeys(job.engine for job in group.jobs if job.engine)
    results = [result for job in group.jobs for result in job.results]
    seconds = sum(max((result.seconds for result in job.results), default=0.0) for job in group.jobs)
    last = (
        fit(when, cells.when),
        fit(clock_text(seconds) if seconds else "", cells.length, right=True),
        fit(next(iter(engines), ""), cells.engine),
        fit(file_count(results), cells.files),
        fit(group.jobs[0].origin if group.jobs else "", cells.origin),
    )
    end_row(text, last, width, palette)
    if selected:
        text.stylize_before(palette.selection)
    return text


def group_details(group: Group, width: int, palette: Palette, *, is_open: bool = False) -> Text:
    """Lines of at most `width` cells: outcome, counts, the clip that runs, and why clips failed."""
    text = Text(style=palette.text)
    _add(text, plain(group.name), width, f"bold {palette.text}".strip())
    _add(text, f"{_clips(group)}: {counts_of(group)}", width, state_style(group.state, palette))
    for job in group.jobs:
        if job.state == "running":
            _add(text, f"{job.name}: {stage_words(job)}, {percent_text(job.fraction)}", width, palette.accent)
    for job in group.jobs:
        if job.failure is not None:
            _add(text, f"{job.name}: {job.failure.message}", width, palette.bad)
    _add(text, f"Space {'hides' if is_open else 'shows'} the clips.", width, palette.muted)
    text.rstrip()
    return text


def counts_of(group: Group) -> str:
    """`3 done, 1 failed, 8 waiting`."""
    counts = [(group.count(state), STATE_WORDS[state]) for state in _STATES]
    if group.to_come:
        counts.append((group.to_come, "still to come"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _now(group: Group) -> str:
    """`3 of 12`: how many are over; or how the group ended."""
    return STATE_WORDS[group.state] if group.is_over else f"{group.ended} of {group.clips}"


def _clips(group: Group) -> str:
    return "1 clip" if group.clips == 1 else f"{group.clips} clips"


def _add(text: Text, line: str, width: int, style: str) -> None:
    for part in wrap(line, width):
        text.append(f"{part}\n", style)
