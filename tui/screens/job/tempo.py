"""The dialog that changes the tempo of what an opened job shows: doubled, halved, tapped, or another candidate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList

from bridge.model import Music
from bridge.music.tempo.other_tempi import other_tempi
from bridge.protocols import Clock
from bridge.request import TimeSignature
from bridge.score.words import tempo_words
from tui.screens.dialogs.base import Dialog
from tui.screens.job.taps import LEAST_TAPS, Taps
from tui.widgets.plain_text import PlainText, list_option, set_border_title

MAP, TAPPED = "map", "tapped"
_HINT = "Space taps, Enter reads the notes at that tempo, Esc closes."


@dataclass(frozen=True)
class ChosenTempo:
    """A tempo for a job's notes."""

    bpm: float | None
    """None: the beats are followed."""
    time_signature: TimeSignature | None = None


class TempoSheet(Dialog):
    """Offers tempi, and takes taps of the space bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tap", "Tap", priority=True),
    ]

    def __init__(self, music: Music, clock: Clock, on_chosen: Callable[[ChosenTempo], object]) -> None:
        super().__init__()
        self._music = music
        self._clock = clock
        self._on_chosen = on_chosen
        self._taps = Taps()
        self._others = other_tempi(music)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Tempo")
            yield PlainText(f"The notes stand at {tempo_words(self._music) or '120 BPM, assumed'}. Read them at:")
            yield OptionList(*(list_option(words, id=name) for name, words in self._tempi()))
            yield PlainText(self._tapped_words(), id="taps")
            yield PlainText(_HINT, id="hint")

    def action_tap(self) -> None:
        self._taps = self._taps.and_at(self._clock.monotonic_seconds())
        options = self.query_one(OptionList)
        self.query_one("#taps", PlainText).set_text(self._tapped_words())
        if self._taps.bpm is None:
            return
        words = f"{self._taps.bpm:g} BPM, as tapped"
        if options.option_count and options.get_option_at_index(options.option_count - 1).id == TAPPED:
            options.replace_option_prompt_at_index(options.option_count - 1, words)
        else:
            options.add_option(list_option(words, id=TAPPED))
        options.highlighted = options.option_count - 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id == MAP:
            self._on_chosen(ChosenTempo(None))
        elif event.option_id == TAPPED:
            self._on_chosen(ChosenTempo(self._taps.bpm, self._music.time_signature))
        elif event.option_id is not None:
            other = self._others[int(event.option_id)]
            self._on_chosen(ChosenTempo(other.bpm, other.time_signature))
        self.dismiss()

    def _tempi(self) -> list[tuple[str, str]]:
        found = []
        for place, one in enumerate(self._others):
            factor = one.bpm / self._music.tempo_bpm
            sign = {0.5: "÷2  ", 2.0: "×2  "}.get(round(factor, 2), "    ")
            beats = "/".join(map(str, one.time_signature))
            share = f", {one.share * 100:.0f} % likely" if one.share > 0 else ""
            found.append((str(place), f"{sign}{one.bpm:g} BPM in {beats}{share}"))
        if not self._music.tempo_map:
            found.append((MAP, "    the beats, as they are played"))
        return found

    def _tapped_words(self) -> str:
        if not self._taps.times:
            return "Or tap the beat with the space bar."
        if self._taps.bpm is None:
            return f"{LEAST_TAPS - len(self._taps.times)} more taps …"
        return f"Tapped: {self._taps.bpm:g} BPM, by {len(self._taps.times)} taps."
