"""The screen of one job: mixer, roll, sliders."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.timer import Timer

from bridge.drawing.draw import MARGIN, seconds_at
from bridge.errors import BridgeError
from bridge.events import Event, HorizonMoved, JobEvent, Progressed
from bridge.model import SCREEN, Job
from bridge.music.tempo.other_tempi import only_notes, song_at
from bridge.protocols import Clock
from bridge.protocols.reading import StemView
from bridge.request import JobRequest
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost
from tui.keys import JOB_KEYS, bindings
from tui.render.roles import PLAIN
from tui.screens.dialogs.play import PlayDialog
from tui.screens.job import render
from tui.screens.job import state as states
from tui.screens.job.drawing import RollDrawing, window
from tui.screens.job.listening import JobListening
from tui.screens.job.reading import JobReading
from tui.screens.job.sliders import SLIDERS
from tui.screens.job.state import JobState, Remark
from tui.screens.job.tempo import ChosenTempo, TempoSheet
from tui.screens.job.widgets import Mixer, Panel, RollPane, Sliders, Title
from tui.screens.opened import OpenedScreen
from tui.themes import palette, roll_colours
from tui.widgets.key_bar import KeyBar

#: While a job runs, its music is read again at most this often for its progress alone.
GROWTH_SECONDS = 1.0
#: In a narrow terminal, where the roll stands below the mixer.
LEAST_ROLL_ROWS = 5
#: How far a step of the wheel scrolls, in spans of the roll.
WHEEL_SHARE = 0.125
_NOTHING_BESIDE: Mapping[str, StemView] = MappingProxyType({})


class JobScreen(OpenedScreen):
    """Folds events, statuses and keys into `state`, and draws what has changed of it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-usual"), (110, "-wide"), (156, "-vast")]  # noqa: RUF012 – Textual declares it as it is
    TITLE = "An opened job"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(JOB_KEYS)]

    DEFAULT_CSS = """
    JobScreen {
        layout: vertical;
        Title { height: 2; }
        #music { height: 1fr; layout: horizontal; }
        Mixer { width: 36%; min-width: 28; height: 1fr; }
        RollPane { width: 1fr; height: 1fr; }
        Sliders { height: 2; }
        &.-narrow { #music { layout: vertical; } Mixer { width: 1fr; height: auto; } }
        &.-wide Mixer { width: 46; }
        &.-vast Mixer { width: 62; }
    }
    """

    @dataclass
    class Followed(Message):
        """Another job takes the place of this one on the screen: the same music, written anew or tried again."""

        job: Job
        beside: Mapping[str, StemView]
        """The stems of this job, whose audio the other may lack."""

    def __init__(
        self,
        job: Job,
        host: ScreenHost,
        clock: Clock,
        *,
        playing: Iterable[str] = (),
        armed: Iterable[str] = (),
        beside: Mapping[str, StemView] = _NOTHING_BESIDE,
    ) -> None:
        """`playing` and `armed`: its stems that the ports play, or that wait for a transport."""
        super().__init__()
        self._bridge = host.bridge
        self._clock = clock
        self.state = states.fresh(job, host.bridge.status().midi, playing, armed)
        self._palette = PLAIN
        self._drawing = RollDrawing()
        self._strips: list[render.Strip] = []
        self._strips_of: tuple[object, ...] = ()
        self._growth: Timer | None = None
        self._key_facts: tuple[object, ...] = ()
        self._warned_of: JobRequest | None = None
        """The settings that are not written, and that leaving would lose, as the user was told."""
        self._listening = JobListening(self, host.hearing)
        self._reading = JobReading(self, host.bridge, beside, self._listening.renew_notes)

    def compose(self) -> ComposeResult:
        yield Title()
        with Container(id="music"):
            yield Mixer()
            yield RollPane()
        yield Sliders()
        yield KeyBar()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self._repaint()
        self._reading.want_view()

    def on_unmount(self) -> None:
        self._listening.close()

    # Drawing

    def show(self, state: JobState) -> None:
        """Shows another state."""
        self.state = state
        if not self.is_mounted:
            return
        self._draw()
        key_facts = (bool(state.before), state.job.is_over, state.job.state, state.view is None, bool(state.music))
        if key_facts != self._key_facts:  # redrawing the footer costs more than everything else here
            self._key_facts = key_facts
            self.refresh_bindings()

    def _repaint(self) -> None:
        self._palette = palette(self.app.theme_variables)
        self.show(self.state)

    def on_panel_resized(self) -> None:
        self._draw()

    def _draw(self) -> None:
        state, colours = self.state, self._palette
        title, mixer, roll, sliders = (self.query_one(kind) for kind in (Title, Mixer, RollPane, Sliders))
        width = self.size.width
        lines = render.title_lines(state, width, colours)
        title.fit_height(len(lines))
        title.draw(lines)
        if (state.view, state.edited) != self._strips_of or state.view is None:
            self._strips, self._strips_of = render.strips(state), (state.view, state.edited)
        room = self.query_one("#music").size.height - LEAST_ROLL_ROWS
        mixer.fit_height(max(1, min(len(self._strips), room)) if self.has_class("-narrow") else None)
        is_dark = self.app.current_theme.dark
        shown = self._mixer_window
        mixer.draw(render.mixer_lines(state, self._strips, mixer.size.width, shown, colours, is_dark=is_dark))
        lines = render.slider_lines(state, width, colours)
        sliders.fit_height(len(lines))
        sliders.draw(lines)
        on = roll_colours(self.app.theme_variables, is_dark=is_dark)
        size = roll.size
        roll.draw(self._drawing.lines(state, size.width, size.height, on, has_colour=not self.app.no_color))

    @property
    def _mixer_window(self) -> render.MixerWindow:
        height = self.query_one(Mixer).size.height
        return render.mixer_window(self.state, height, is_narrow=self.has_class("-narrow"))

    # What the bridge and the output tell

    def take(self, events: Iterable[Event]) -> None:
        """Folds events of the bridge into the state, and reads the music again where they have made it grow."""
        state = self.state
        for event in events:
            state = states.after_event(state, event)
            if isinstance(event, (JobEvent, HorizonMoved)) and event.job == state.job.id:
                self._grow(event)
        if state is not self.state:
            self.show(state)

    def _grow(self, event: Event) -> None:
        if not isinstance(event, Progressed):
            self._read_growth()
        elif self._growth is None:
            self._growth = self.set_timer(GROWTH_SECONDS, self._read_growth)

    def _read_growth(self) -> None:
        if self._growth is not None:
            self._growth.stop()
            self._growth = None
        self._reading.want_view()

    # Settings

    def action_slider(self, steps: int) -> None:
        """To another slider; before the first and behind the last, ←→ move the play head again."""
        count = len(SLIDERS) + 1
        place = ((-1 if self.state.slider is None else self.state.slider) + 1 + steps) % count - 1
        self.show(replace(self.state, slider=None if place < 0 else place))

    def action_move(self, steps: int) -> None:
        if self.state.slider is None:
            self._seek(states.beat_beside(self.state, steps))
        else:
            self._reading.change(SLIDERS[self.state.slider].moved(self.state.request, steps, self.state.music))

    def action_take_back(self) -> None:
        self._reading.take_back()

    def action_take_all_back(self) -> None:
        self._reading.take_back(all_of_it=True)

    def action_tempo(self) -> None:
        if self.state.music is not None:
            self.app.push_screen(TempoSheet(self.state.music, self._clock, self._change_tempo))

    def _change_tempo(self, chosen: ChosenTempo) -> None:
        job, request = self.state.job, self.state.request
        if chosen.bpm is None:
            song = msgspec.structs.replace(request.song, tempo="map")
        else:
            song = song_at(job, request.song, chosen.bpm, chosen.time_signature)
        self._reading.change(msgspec.structs.replace(request, song=song))

    def action_write(self) -> None:
        if self.state.is_edited and self.state.job.is_over:
            self.start(self._submit(only_notes(self.state.job, self.state.request)), "submit", exclusive=True)

    def action_retry(self) -> None:
        if self.state.job.state in ("failed", "cancelled"):
            self.start(self._submit(self.state.job.request), "submit", exclusive=True)

    async def _submit(self, request: JobRequest) -> None:
        with self.telling_refusals():
            job, _ = await self._bridge.submit(request, origin=SCREEN)
            self.post_message(self.Followed(job, {stem.stem: stem for stem in self.state.stems}))

    def action_cancel(self) -> None:
        if not self.state.job.is_over:
            with self.telling_refusals():
                self._bridge.cancel(self.state.job.id)

    # Hearing and playing

    def action_hear(self) -> None:
        self._listening.toggle()

    def _mix(self, state: JobState) -> None:
        """Shows a state with another mix, which is heard at once."""
        self.show(state)
        self._listening.mix()

    def action_solo(self) -> None:
        self._mix(replace(self.state, solo=states.toggled(self.state.solo, self.state.chosen)))

    def action_mute(self) -> None:
        self._mix(replace(self.state, muted=states.toggled(self.state.muted, self.state.chosen)))

    def action_notes(self) -> None:
        self._mix(states.heard_as_notes(self.state))

    def action_all_notes(self) -> None:
        every = frozenset(self.state.names)
        self._mix(replace(self.state, as_notes=frozenset() if self.state.as_notes == every else every))

    def action_play(self) -> None:
        self._play(None)

    def action_follow(self) -> None:
        self.app.push_screen(PlayDialog(self.state.job))

    def follow(self, sync: str) -> None:
        """Plays with another sync, as chosen in the dialog."""
        self._play(sync)

    def _play(self, sync: str | None) -> None:
        self.start(self._play_notes(sync), "play", exclusive=True)

    async def _play_notes(self, sync: str | None) -> None:
        state = self.state
        written = {result.name for result in state.job.results if result.is_part}
        chosen = [name for name in state.audible if name in written]
        if written and not chosen:
            self.tell("There are no notes of what solo and mute let through.", "warning")
            return
        with self.telling_refusals():
            stems = None if not written or set(chosen) == written else chosen
            await self._bridge.play(state.job.id, stems, sync)
            if state.is_edited:
                self.tell("The ports play the notes as they are written; w writes the changed ones.", "info")

    def action_stop(self) -> None:
        self._listening.stop()
        self.show(replace(self.state, told=Remark()))
        with self.telling_refusals():
            self._bridge.stop(self.state.job.id)

    def _seek(self, seconds: float) -> None:
        self.show(states.placed(self.state, seconds))
        self._listening.seek()

    # Looking

    def action_choose(self, steps: int) -> None:
        self.show(states.choose(self.state, steps))

    def action_all_stems(self) -> None:
        self.show(replace(self.state, is_highlighted=not self.state.is_highlighted))

    def action_zoom(self, factor: float) -> None:
        self.show(states.zoomed(self.state, factor))

    def action_scroll(self, share: float) -> None:
        self.show(states.scrolled(self.state, share))

    def action_go(self, share: float) -> None:
        self._seek(self.state.seconds * share)

    def may_leave(self, key: str) -> bool:
        if not self.state.is_edited or self._warned_of == self.state.request:
            return True
        self._warned_of = self.state.request
        self.tell(f"What you changed is not written: w writes it, {key} once more leaves it.", "warning")
        return False

    def action_back(self) -> None:
        if self.may_leave("Esc"):
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's signature
        """None, which greys out the key, where the action is not possible now."""
        state = self.state
        is_possible = {
            "write": state.is_edited,
            "take_back": state.is_edited,
            "take_all_back": state.is_edited,
            "tempo": state.music is not None and state.job.is_over,
            "cancel": not state.job.is_over,
            "retry": state.job.state in ("failed", "cancelled"),
            "play": bool(state.job.results),
            "follow": bool(state.job.results),
        }
        return True if is_possible.get(action, True) else None

    # Mouse

    def on_panel_clicked(self, message: Panel.Clicked) -> None:
        panel, column, row = message.panel, message.column, message.row
        if isinstance(panel, RollPane) and column >= MARGIN:
            self._seek(seconds_at(column, window(self.state, panel.size.width, panel.size.height)))
        elif isinstance(panel, Mixer) and (place := self._mixer_window.stem_at(row)) < len(self.state.names):
            line = row % self._mixer_window.rows_each
            self._click_stem(place, render.mixer_cell(column, panel.size.width, line))
        elif isinstance(panel, Sliders) and (at := render.slider_at(column, row, panel.size.width)):
            place, along = at
            self.show(replace(self.state, slider=place))
            if along is not None:
                self._reading.change(SLIDERS[place].at(self.state.request, along, self.state.music))

    def _click_stem(self, place: int, cell: str | float | None) -> None:
        self.show(states.choose(self.state, place - self.state.names.index(self.state.chosen)))
        if isinstance(cell, float):
            self._seek(cell * self.state.seconds)
        elif cell is not None:
            {"solo": self.action_solo, "mute": self.action_mute, "notes": self.action_notes}[cell]()

    def on_panel_wheeled(self, message: Panel.Wheeled) -> None:
        if isinstance(message.panel, RollPane):
            if message.with_ctrl:
                self.action_zoom(2.0**message.steps)
            else:
                self.action_scroll(WHEEL_SHARE * message.steps)
        elif isinstance(message.panel, Mixer):
            self.action_choose(message.steps)
        elif isinstance(message.panel, Sliders) and (
            at := render.slider_at(message.column, message.row, message.panel.size.width)
        ):
            self.show(replace(self.state, slider=at[0]))
            self.action_move(-message.steps)

    # What its parts need

    def start(self, work: Coroutine[Any, Any, None], group: str, *, exclusive: bool = False) -> None:
        self.run_worker(work, group=group, exclusive=exclusive)

    def tell(self, words: str, level: str) -> None:
        self.show(replace(self.state, told=Remark(words, level)))

    @contextmanager
    def telling_refusals(self) -> Iterator[None]:
        """Shows a BridgeError of the block in place."""
        try:
            with only_bridge_errors():
                yield
        except BridgeError as error:
            self.tell(str(error), "error")
