"""Hearing an opened job on the machine's own output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.model import Note
from bridge.protocols.hearing import Hearing, HearingStatus
from tui.screens.job import sound
from tui.screens.job import state as states
from tui.screens.job.stage import Stage
from tui.screens.job.state import JobState, Remark

#: A clip whose end is this near begins again.
END_SECONDS = 0.05


class JobListening:
    """Starts, pauses and mixes what is heard."""

    def __init__(self, stage: Stage, hearing: Hearing) -> None:
        self._stage = stage
        self._hearing = hearing
        self._notes: Mapping[str, tuple[Note, ...]] = {}
        """What the output has of each stem's notes."""
        self._unsubscribe = hearing.subscribe(self._on_status)

    def close(self) -> None:
        """Silence: what is heard belongs to the screen."""
        self._unsubscribe()
        if self._stage.state.is_heard:
            self._hearing.stop()

    def toggle(self) -> None:
        """Plays from the play head, or pauses."""
        state = self._stage.state
        if not state.is_heard:
            self._stage.start(self._play(), "hear", exclusive=True)
        elif state.hearing.is_playing:
            self._hearing.pause()
        else:
            if _is_at_end(state):
                self._hearing.seek(0.0)
            self._stage.show(replace(state, follows=True))
            self._hearing.resume()

    async def _play(self) -> None:
        state = self._stage.state
        tracks = sound.tracks(state)
        if not tracks:
            self._stage.tell("There is nothing to hear yet.", "warning")
            return
        self._notes = state.parts
        with self._stage.telling_refusals():
            self._hearing.set_silent(sound.silent(state))
            await self._hearing.play(tracks, 0.0 if _is_at_end(state) else state.place_seconds)
            heard = replace(self._stage.state, is_heard=True, follows=True, told=Remark())
            self._stage.show(states.after_hearing(heard, self._hearing.status))
            self.mix()  # it may have changed meanwhile
            self.renew_notes()

    def mix(self) -> None:
        """Solo, mute, and notes or audio are heard as they are shown."""
        if self._stage.state.is_heard:
            self._hearing.set_silent(sound.silent(self._stage.state))

    def renew_notes(self) -> None:
        """The notes are heard as they are shown."""
        state = self._stage.state
        if state.is_heard:
            for stem, notes in state.parts.items():
                if notes is not self._notes.get(stem):
                    self._hearing.replace_notes(sound.notes_track(stem), notes)
            self._notes = state.parts

    def seek(self) -> None:
        """What is heard goes on at the place."""
        if self._stage.state.is_heard:
            self._hearing.seek(self._stage.state.place_seconds)

    def stop(self) -> None:
        self._hearing.stop()
        self._stage.show(replace(self._stage.state, is_heard=False))

    def _on_status(self, status: HearingStatus) -> None:
        if self._stage.state.is_heard:
            self._stage.show(states.after_hearing(self._stage.state, status))


def _is_at_end(state: JobState) -> bool:
    return state.place_seconds >= state.seconds - END_SECONDS
