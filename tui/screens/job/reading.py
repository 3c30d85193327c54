"""The music of an opened job: read again while it grows, and with other settings as they change."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from bridge.errors import Cancelled
from bridge.protocols import Bridge
from bridge.protocols.reading import StemView
from bridge.request import JobRequest
from tui.screens.job import state as states
from tui.screens.job.stage import Stage


class JobReading:
    """Asks the bridge's reader; the last question wins."""

    def __init__(
        self, stage: Stage, bridge: Bridge, beside: Mapping[str, StemView], on_notes: Callable[[], None]
    ) -> None:
        """`beside`: stems whose audio this job may lack; `on_notes` is called once other notes are complete."""
        self._stage = stage
        self._bridge = bridge
        self._beside = beside
        self._on_notes = on_notes
        self._is_viewing = self._is_outdated = False

    def want_view(self) -> None:
        """Reads what is known of the music, now or as soon as the reading that runs is over."""
        self._is_outdated = True
        if not self._is_viewing:
            self._is_viewing = True
            self._stage.start(self._read_view(), "view")

    async def _read_view(self) -> None:
        """Reads the music until it is as new as what was told of it."""
        try:
            while self._is_outdated:
                self._is_outdated = False
                with self._stage.telling_refusals():
                    view = await self._bridge.reader.open(self._stage.state.job.id)
                    view = states.with_audio_beside(view, self._beside)
                    self._stage.show(states.with_view(self._stage.state, view))
        finally:
            self._is_viewing = False

    def change(self, request: JobRequest) -> None:
        """Reads the notes with other settings, or says why that is not possible."""
        state = self._stage.state
        if request == state.request:
            return
        if not state.job.is_over or state.view is None:
            self._stage.tell("The notes can be read anew when the job is done.", "warning")
        elif state.view.unreadable:
            self._stage.tell(state.view.unreadable, "warning")
        else:
            self._stage.show(states.with_request(state, request))
            self._read_notes()

    def take_back(self, *, all_of_it: bool = False) -> None:
        """Undoes the last change, or every one."""
        if self._stage.state.before:
            self._stage.show(states.taken_back(self._stage.state, all_of_it=all_of_it))
            self._read_notes()

    def _read_notes(self) -> None:
        if self._stage.state.is_reading:
            self._stage.start(self._notes_of(self._stage.state.request), "notes")
        else:
            self._on_notes()

    async def _notes_of(self, request: JobRequest) -> None:
        """The notes of what is looked at, then all."""
        stage, state = self._stage, self._stage.state
        looked_at = (state.highlighted,) if state.highlighted else ()
        is_refused = True
        try:
            with stage.telling_refusals():
                await self._read_span(request, state.start_seconds, state.end_seconds, looked_at)
                if stage.state.is_reading:
                    await self._read_span(request, 0.0, math.inf)
                is_refused = False
        except Cancelled:  # a newer question took its place
            return
        if is_refused and self._is_wanted(request):  # the settings before it hold
            told = stage.state.told
            stage.show(replace(states.taken_back(stage.state), told=told))
            self._read_notes()

    async def _read_span(
        self, request: JobRequest, start_seconds: float, end_seconds: float, stems: tuple[str, ...] = ()
    ) -> None:
        """The notes of some stems in a span; without any named, of all."""
        if not self._is_wanted(request):
            return
        state = self._stage.state
        notes = await self._bridge.reader.notes(state.job.id, request, start_seconds, end_seconds, stems)
        if self._is_wanted(request):
            self._stage.show(states.with_notes(self._stage.state, notes, start_seconds, end_seconds))
            if not self._stage.state.is_reading:  # that was all of it
                self._on_notes()

    def _is_wanted(self, request: JobRequest) -> bool:
        return self._stage.state.is_reading and self._stage.state.request == request
