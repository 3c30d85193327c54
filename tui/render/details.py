"""The details of one job, which its row has no room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rich.cells import cell_len
from rich.text import Text

from bridge.errors import ADVICE
from bridge.model import Failure, Job, Result
from bridge.plain import plain
from bridge.request import JobRequest
from bridge.units import clock_text
from tui.render.fit import fit, wrap
from tui.render.job import eta_text, stage_words, state_style
from tui.render.music import music_facts
from tui.render.roles import Palette
from tui.render.waveform import waveform
from tui.state import LiveView

_LEAST_LABEL_CELLS = 8
_SAMPLE_FORMATS = {
    "PCM_16": "16-bit",
    "PCM_24": "24-bit",
    "PCM_32": "32-bit",
    "FLOAT": "32-bit float",
    "DOUBLE": "64-bit float",
}


def details(
    job: Job,
    width: int,
    palette: Palette,
    live: LiveView | None = None,
    peaks: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> Text:
    """Lines of at most `width` cells: outcome, failure with advice, warnings, folder, files, source, region, engine.

    Args:
        live: what is known of a job that plays live.
        peaks: by stem, the peaks that `waveform` draws.
    """
    text = Text(style=palette.text)
    title, outcome = plain(job.name), _outcome(job)
    on_one_line = cell_len(f"{title}  {outcome}") <= width
    _lines(text, wrap(title, width), f"bold {palette.text}".strip())
    if on_one_line:
        text.right_crop(1)
    _lines(text, [f"  {outcome}" if on_one_line else outcome], state_style(job.state, palette))
    if job.failure is not None:
        _lines(text, wrap(job.failure.message, width), palette.bad)
        _lines(text, wrap(advice_for(job.failure), width), palette.text)
    for warning in job.warnings:
        _lines(text, wrap(f"! {warning.message}", width), palette.warning)
    labelled: list[tuple[str, list[str | Text]]] = [("Live", [live_words(job, live)])]
    labelled.append(("Folder", [job.output_dir] if job.results else []))
    names = list(dict.fromkeys([*peaks, *(result.name for result in job.results)]))
    label_cells = max([_LEAST_LABEL_CELLS, *(cell_len(name) + 1 for name in names)])
    for name in names:
        drawn = [_drawn(peaks[name], width - label_cells, palette)] if name in peaks else []
        files = _files_of(job, name)
        labelled.append((name, [*drawn, *(_side_by_side(files, width - label_cells) if files else [])]))
    labelled.append(("Music", [" · ".join(music_facts(job.music)) if job.music is not None else ""]))
    labelled.append(("Chords", [job.music.chords if job.music is not None else ""]))
    labelled.append(("Source", [job.request.source]))
    labelled.append(("Region", [region_words(job.request)]))
    labelled.append(("Engine", [" on ".join(word for word in (job.engine, job.device) if word)]))
    for label, values in labelled:
        lines = [line for value in values for line in _wrapped(value, max(8, width - label_cells))]
        for index, line in enumerate(lines if any(lines) else []):
            text.append(fit("" if index else label, label_cells), palette.muted).append(line).append("\n")
    text.rstrip()
    return text


def live_words(job: Job, live: LiveView | None) -> str:
    """`notes known to 0:32; 3 notes came too late and were silent`; empty where there is nothing to say."""
    words: list[str] = []
    if live is not None and live.missed:
        came = "1 note came too late and was" if live.missed == 1 else f"{live.missed} notes came too late and were"
        words.append(f"{came} silent")
    if job.request.play.is_live and job.state == "running":
        seconds = 0.0 if live is None else live.seconds
        words.insert(0, f"notes known to {clock_text(seconds)}" if seconds else "no notes known yet")
    elif job.request.play.is_live and job.state == "queued":
        words.insert(0, "plays while it is separated")
    return "; ".join(words)


def hint(width: int, palette: Palette) -> Text:
    """The text of the panel while there is no job."""
    words = (
        "The stems and their .mid files are written beside the song, or into your DAW's project folder.",
        "The notes can play straight into your tracks through the MIDI ports.",
    )
    return Text("\n\n".join("\n".join(wrap(sentence, width)) for sentence in words), style=palette.muted)


def advice_for(failure: Failure) -> str:
    """The advice for a failure; empty where there is none, or the message contains it."""
    advice = ADVICE.get(failure.code, "")
    return "" if advice in failure.message else advice


def result_words(result: Result) -> str:
    """`song (Bass).wav, 0:30, 24-bit` or `song (Bass).mid, 41 notes`."""
    if result.kind == "midi":
        return f"{result.file}, {result.notes} note{'s' if result.notes != 1 else ''}"
    if result.kind != "stem":
        return result.file
    kind = _SAMPLE_FORMATS.get(result.subtype, "")
    return ", ".join(word for word in (result.file, clock_text(result.seconds), kind) if word)


def _files_of(job: Job, name: str) -> list[str]:
    """The files of one stem in words; a file that differs only in its extension is shortened to that: `+ .mid`."""
    words: list[str] = []
    seen: set[Path] = set()
    for result in (result for result in job.results if result.name == name):
        path = Path(result.path)
        repeated = path.with_suffix("") in seen
        seen.add(path.with_suffix(""))
        words.append(
            result_words(result).replace(path.name, f"+ {path.suffix}", 1) if repeated else result_words(result)
        )
    return words


def region_words(request: JobRequest) -> str:
    """`from 0:05 to 0:35`; empty for the whole file."""
    start, end = request.region.start_seconds, request.region.end_seconds
    if end is None:
        return f"from {clock_text(start)}" if start > 0 else ""
    return f"from {clock_text(start)} to {clock_text(end)}"


def _outcome(job: Job) -> str:
    left = eta_text(job)
    if not left or job.state != "running":
        return stage_words(job)
    return f"{stage_words(job)}, {left} left{', slower than expected' if job.is_slower else ''}"


def _drawn(peaks: Sequence[float], cells: int, palette: Palette) -> Text:
    known, rest = waveform(peaks, max(cells, 0))
    return Text().append(known, palette.accent).append(rest, palette.faint)


def _wrapped(value: str | Text, width: int) -> list[str | Text]:
    return [value] if isinstance(value, Text) else [*wrap(value, width)]


def _side_by_side(values: list[str], width: int) -> list[str]:
    """The values on one line if they fit."""
    joined = "   ".join(values)
    return [joined] if cell_len(joined) <= width else values


def _lines(text: Text, lines: list[str], style: str) -> None:
    for line in lines:
        text.append(f"{line}\n" if line else "", style)
