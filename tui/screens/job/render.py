"""The lines of an opened job's screen: title, mixer, sliders. Pure: state and width in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from bridge.model import Job, Music, Note
from bridge.music.bars import Beats
from bridge.score.names import note_name
from bridge.stems import KIT_TABLE, is_audio_only, label_of, row_of, stem_of
from bridge.units import clock_text
from tui.render.details import advice_for
from tui.render.fit import fit, wrap
from tui.render.job import eta_text, stage_words, state_style
from tui.render.music import music_facts
from tui.render.roles import Palette
from tui.render.waveform import envelope
from tui.screens.job.sliders import SLIDERS
from tui.screens.job.state import JobState

#: A stem this much below full scale, or below the loudest one, is likely to be bleed or nothing.
QUIET_DB, BLEED_DB = -36.0, -24.0
SILENT = "silent"
#: Cells of a mixer's row beside its waveform.
ROW_CELLS = 23
LEAST_WAVE_CELLS = 4
MOST_STATUS_LINES = 3
#: Cells of a slider, with its label and value.
SLIDER_CELLS = 26
_BAR_CELLS = 5


# Title


def title_lines(state: JobState, width: int, palette: Palette) -> list[Text]:
    """What the clip is and where the play head stands; below, in up to three lines, what goes on or what to know."""
    place = _place(state)
    left = max(0, width - cell_len(place) - 3)
    first = Text(" ", no_wrap=True, end="").append(fit(_facts(state, left), left), f"bold {palette.text}".strip())
    first.append(" ").append(place, palette.accent if state.is_moving else palette.text).append(" ")
    words, style = _status(state, palette)
    wrapped = wrap(words, max(1, width - 2))
    if len(wrapped) > 1:
        return [
            first,
            *(Text(fit(f" {line}", width), style, no_wrap=True, end="") for line in wrapped[:MOST_STATUS_LINES]),
        ]
    right = _chords(state, max(0, width - cell_len(words) - 5))
    second = Text(" ", no_wrap=True, end="").append(fit(words, max(0, width - 2 - cell_len(right))), style)
    return [first, second.append(right, palette.muted).append(" ")]


def _facts(state: JobState, cells: int) -> str:
    """Name, length, tempo and key: the name first, and as many facts as fit."""
    music = state.music
    facts = [clock_text(state.seconds)] if state.seconds else []
    facts += music_facts(music) if music is not None else []
    facts = [fact for fact in facts if fact]
    while facts and cell_len(" · ".join(facts)) + cell_len(state.job.name) + 3 > cells:
        facts.pop()
    return " · ".join([state.job.name, *facts])


def _place(state: JobState) -> str:
    """`▶ 12.3.1  JACK`, or the time where the beats are unknown."""
    seconds = state.play_seconds
    if state.seconds <= 0:
        return ""
    place = clock_text(seconds) if state.music is None else ".".join(map(str, Beats(state.music).place(seconds)))
    sign = "▶" if state.is_moving else "‖" if state.is_heard else " "
    sync = state.job.request.play.sync
    follows = {"clock": "MIDI clock", "jack": "JACK", "link": "Link"}.get(sync, "")
    waiting = "armed, " if state.armed else ""
    return f"{sign} {place}{f'  {waiting}{follows}' if follows or waiting else ''}".rstrip(", ")


def _chords(state: JobState, cells: int) -> str:
    chords = state.music.chords if state.music is not None else ""
    return chords if chords and cell_len(chords) <= cells else ""


def _status(state: JobState, palette: Palette) -> tuple[str, str]:
    """What matters most now, and its style."""
    job = state.job
    if state.told.words:
        return state.told.words, palette.of_level(state.told.level)
    if job.failure is not None:
        return f"{job.failure.message} {advice_for(job.failure)}".strip() + " r tries again.", palette.bad
    if job.state == "cancelled":
        return "Cancelled; what was complete stays. r runs it again.", palette.muted
    if not job.is_over:
        return running_words(job), state_style(job.state, palette)
    if state.before:
        count = len(state.before)
        reading = "reading …  " if state.is_reading else ""
        return (
            f"{reading}{count} change{'s' if count > 1 else ''}, not written: w writes, z takes back",
            palette.warning,
        )
    if state.view is None:
        return "Reading its music …", palette.muted
    if state.view.unreadable:
        return state.view.unreadable, palette.warning
    return (f"→ {job.output_dir}" if job.results else "No files."), palette.muted


def running_words(job: Job) -> str:
    """`separating 43 %, 1:15 left`"""
    if job.state == "queued":
        return stage_words(job)
    left = eta_text(job)
    slower = ", slower than expected" if job.is_slower else ""
    return f"{stage_words(job)} {job.fraction:.0%}{f', {left} left' if left else ''}{slower}".replace("%", " %")


# Mixer


@dataclass(frozen=True)
class Strip:
    """What one stem's rows show of its music."""

    stem: str
    peaks: bytes
    count: int
    """Of its notes."""
    range_words: str
    hint: str
    """`quiet`, `bleed?` or `silent`; empty where nothing is remarkable."""


def strips(state: JobState) -> list[Strip]:
    """A strip for each stem: it looks at every note, so it is made anew only where the music changes."""
    loudest = max((max(stem.peaks, default=0) for stem in state.stems), default=0)
    made = []
    for stem in state.stems:
        notes = state.parts.get(stem.stem, ())
        words = stem_hint(max(stem.peaks), loudest) if stem.peaks and state.job.is_over else ""
        if stem.stem in KIT_TABLE and words != SILENT:
            words = ""  # a drum may well be soft
        made.append(Strip(stem.stem, stem.peaks, len(notes), key_range(stem.stem, notes, state.music), words))
    return made


def stem_hint(peak: int, loudest: int) -> str:
    """What to know of a stem, by its highest peak and that of the loudest stem, 0–255."""
    if peak == 0:
        return SILENT
    if peak < loudest * 10 ** (BLEED_DB / 20):
        return "bleed?"
    return "quiet" if peak < 255 * 10 ** (QUIET_DB / 20) else ""


@dataclass(frozen=True)
class MixerWindow:
    """Which stems the mixer has room for."""

    first: int
    count: int
    rows_each: int
    """Lines of a stem: 1 or 2."""

    def stem_at(self, row: int) -> int:
        """The place of the stem whose lines have that row."""
        return self.first + row // self.rows_each


def mixer_window(state: JobState, height: int, *, is_narrow: bool) -> MixerWindow:
    """All stems, with two lines each where there is room; else as many as fit around the chosen one."""
    stems = len(state.names)
    rows_each = 2 if not is_narrow and height >= 2 * max(1, stems) else 1
    count = max(1, min(stems, height // rows_each))
    chosen = state.names.index(state.chosen) if state.chosen in state.names else 0
    return MixerWindow(max(0, min(chosen - count // 2, stems - count)), count, rows_each)


def mixer_lines(
    state: JobState,
    strips: Sequence[Strip],
    width: int,
    window: MixerWindow,
    palette: Palette,
    *,
    is_dark: bool,
) -> list[Text]:
    """The lines of the stems in the window; arrows tell of those above and below it."""
    if not state.stems:
        return [Text(fit(" No stems yet." if not state.job.is_over else " No stems.", width), palette.muted, end="")]
    lines, last = [], window.first + window.count - 1
    for place, strip in enumerate(strips):
        if not window.first <= place <= last:
            continue
        is_more_above, is_more_below = place == window.first > 0, place == last < len(strips) - 1
        sign = "▸" if strip.stem == state.chosen else "↑" if is_more_above else "↓" if is_more_below else " "
        colour = colour_of(strip.stem, is_dark=is_dark)
        lines.append(_strip_line(state, strip, width, palette, colour, sign, short=window.rows_each == 1))
        if window.rows_each > 1:
            lines.append(_second_line(state, strip, width, palette))
    return lines


def colour_of(stem: str, *, is_dark: bool) -> str:
    row = row_of(stem)
    return row.night_colour if is_dark else row.colour


def _short_label(name: str) -> str:
    """`Kick`, which `Drums Kick` would hide where room is short."""
    return name.capitalize() if name in KIT_TABLE else label_of(name)


def _strip_line(
    state: JobState, strip: Strip, width: int, palette: Palette, colour: str, sign: str, *, short: bool
) -> Text:
    name, is_chosen = strip.stem, strip.stem == state.chosen
    text = Text(no_wrap=True, end="", style=palette.text)
    text.append(sign, palette.accent)
    text.append("♪" if is_sounding(state, name) else " ", palette.accent)
    text.append("●" if name in state.audible else "○", colour).append(" ")
    is_silent = name not in state.audible
    text.append(fit(_short_label(name), 7), palette.muted if is_silent else f"bold {palette.text}" if is_chosen else "")
    text.append(" ")
    wave = max(0, width - ROW_CELLS)
    hint_text = strip.hint if short and wave - len(strip.hint) - 1 >= LEAST_WAVE_CELLS else ""
    wave -= len(hint_text) + bool(hint_text)
    known, rest = envelope(strip.peaks, wave)
    text.append(known, palette.muted if is_silent else colour).append(rest)
    if hint_text:
        text.append(f" {hint_text}", palette.warning)
    text.append(" ")
    for letter, is_on in zip("smn", switches(state, strip), strict=True):
        text.append(letter.upper() if is_on else letter, f"bold {palette.accent}".strip() if is_on else palette.muted)
    is_known = state.view is not None and (state.job.is_over or strip.count > 0)
    count = "" if is_audio_only(name) else str(strip.count) if is_known else "–"
    text.append(fit(count, 6, right=True)).append(" ")
    if is_chosen:
        text.stylize_before(palette.selection)
    return text


def mixer_cell(column: int, width: int, line: int) -> str | float | None:
    """What stands at a cell of a stem's rows: `solo`, `mute`, `notes`, or a place in its waveform, 0–1."""
    if line:
        return None
    letters = width - 10
    if 0 <= column - letters < 3:
        return ("solo", "mute", "notes")[column - letters]
    wave = width - ROW_CELLS
    return (column - 12) / wave if 0 <= column - 12 < wave else None


def switches(state: JobState, strip: Strip) -> tuple[bool, bool, bool]:
    """Whether a stem is solo, muted, heard as notes: one without notes never is."""
    name = strip.stem
    return name in state.solo, name in state.muted, name in state.as_notes and strip.count > 0


def _second_line(state: JobState, strip: Strip, width: int, palette: Palette) -> Text:
    facts = _strip_facts(state, strip)
    room = max(0, width - 5 - (len(strip.hint) + 2 if strip.hint else 0))
    # Where room is short, the port's name goes first, which is the stem's, then the channel.
    lines = ["  ".join(fact for fact in facts[first:] if fact) for first in range(3)]
    words = next((line for line in lines if cell_len(line) <= room), lines[-1])
    text = Text("    ", no_wrap=True, end="").append(fit(words, room), palette.muted)
    if strip.hint:
        text.append(f"  {strip.hint}", palette.warning)
    text.append(" ")
    if strip.stem == state.chosen:
        text.stylize_before(palette.selection)
    return text


def _strip_facts(state: JobState, strip: Strip) -> list[str]:
    """Port, channel, range and whether it plays."""
    if is_audio_only(strip.stem):
        return ["audio only"]
    port = next((port for port in state.midi.ports if port.stem == strip.stem), None)
    channel = port.channel if port is not None and port.channel is not None else stem_of(strip.stem).channel + 1
    return [port.name if port is not None else "no port", f"ch {channel}", strip.range_words, _heard_as(state, strip)]


def _heard_as(state: JobState, strip: Strip) -> str:
    if strip.stem in state.midi_seconds:
        return "plays"
    if strip.stem in state.armed:
        return "armed"
    return "as notes" if strip.stem in state.as_notes else ""


def is_sounding(state: JobState, name: str) -> bool:
    """Whether a stem is heard, or its notes go to a port."""
    return name in state.midi_seconds or (state.is_heard and state.hearing.is_playing and name in state.audible)


def key_range(name: str, notes: tuple[Note, ...], music: Music | None) -> str:
    """`C1–G3`; of drums how many are struck."""
    if not notes:
        return ""
    pitches = {note.pitch for note in notes}
    if not stem_of(name).is_pitched:
        return f"{len(pitches)} drum{'s' if len(pitches) > 1 else ''}"
    key = "" if music is None else music.key
    return f"{note_name(min(pitches), key)}–{note_name(max(pitches), key)}"


# Sliders


def sliders_in_a_line(width: int) -> int:
    """As many as have room: all, half, or a third of them."""
    return next(count for count in (6, 3, 2, 1) if width >= count * SLIDER_CELLS or count == 1)


def _label_cells(column: int, in_a_line: int) -> int:
    """Cells of the labels in one column of sliders."""
    return max(len(slider.label) for slider in SLIDERS[column::in_a_line])


def slider_lines(state: JobState, width: int, palette: Palette) -> list[Text]:
    """All sliders; the one that ←→ move is marked."""
    in_a_line = sliders_in_a_line(width)
    cells = width // in_a_line
    lines: list[Text] = []
    for place, slider in enumerate(SLIDERS):
        if place % in_a_line == 0:
            lines.append(Text(no_wrap=True, end="", style=palette.text))
        is_chosen = place == state.slider
        filled = round(slider.fraction(state.request, state.music) * _BAR_CELLS)
        is_changed = slider.value(state.request) != slider.value(state.job.request)
        label_cells = _label_cells(place % in_a_line, in_a_line)
        words = fit(slider.words(state.request), max(0, cells - label_cells - _BAR_CELLS - 4))
        one = Text("▸" if is_chosen else " ", style=palette.accent)
        one.append(fit(slider.label, label_cells), f"bold {palette.accent}".strip() if is_chosen else palette.muted)
        one.append(" ").append("▮" * filled, palette.accent).append("▯" * (_BAR_CELLS - filled), palette.muted)
        # The star stands beside the value, so that a change is seen without colours.
        marked = f"{words.rstrip()}*" if is_changed else words
        one.append(" ").append(fit(marked, len(words) + 1), palette.warning if is_changed else palette.text)
        lines[-1].append_text(one)
    return lines


def slider_at(column: int, row: int, width: int) -> tuple[int, float | None] | None:
    """The slider at a cell, and how far along its bar the cell is; None beside all of them."""
    in_a_line = sliders_in_a_line(width)
    cells = width // in_a_line
    place = row * in_a_line + column // cells
    if column // cells >= in_a_line or place >= len(SLIDERS):
        return None
    along = column % cells - 2 - _label_cells(column // cells, in_a_line)
    return place, along / (_BAR_CELLS - 1) if 0 <= along < _BAR_CELLS else None
