"""Plays tracks: keeps the stock full, does what it is told, and reports what sounds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from msgspec.structs import replace

from bridge.errors import BridgeError, EngineFailed
from bridge.hearing.messages import (
    Hear,
    Heard,
    HearingAnswer,
    HearingCommand,
    HearingReport,
    Pause,
    ReplaceNotes,
    Resume,
    Seek,
    SetSilent,
    StopHearing,
)
from bridge.hearing.mix import Mix, NamedVoice
from bridge.hearing.outputs import Output, Take
from bridge.hearing.stock import Stock
from bridge.hearing.voices.drum_voice import DrumVoice
from bridge.hearing.voices.file_voice import FileVoice
from bridge.hearing.voices.note_voice import NoteVoice
from bridge.hearing.voices.voice import Voice
from bridge.model import Note
from bridge.protocols.hearing import Track
from bridge.units import seconds_to_frames

if TYPE_CHECKING:
    from bridge.protocols import Samples

log = logging.getLogger(__name__)

OpenOutput: TypeAlias = Callable[[Take], Output]

#: How much sound waits for the output, and how much of it is computed at once after a change.
STOCK_SECONDS, FIRST_BLOCKS = 0.3, 3
#: It is filled again when it has fallen to this share.
LOW_SHARE = 0.6
REPORT_SECONDS = 0.1
#: An output that has asked for nothing for this long is gone.
LOST_SECONDS = 2.0
#: An open output that nothing plays on is closed after this time; after a stop, as soon as the fade is heard.
CLOSE_SECONDS, STOP_SECONDS = 20.0, 0.3


class OutputLost(Exception):  # noqa: N818 - as the errors of the bridge
    """The output asks for no more sound. It cannot be trusted to close, so the process must end."""


class HearingPlayer:
    """All of hearing but the clock and the output, both of which a test gives; on one thread but for `Stock.take`.

    Args:
        open_output: raises EngineFailed.
        send: gets each report.
        clock: monotonic seconds.
    """

    def __init__(
        self, open_output: OpenOutput, send: Callable[[HearingReport], None], clock: Callable[[], float]
    ) -> None:
        self._open_output = open_output
        self._send = send
        self._clock = clock
        self._stock = Stock(clock)
        self._output: Output | None = None
        self._close_at = 0.0
        """When the output is closed, if nothing plays till then."""
        self._tracks: tuple[Track, ...] = ()
        self._voices: list[NamedVoice] = []
        self._silent: frozenset[str] = frozenset()
        self._mix: Mix | None = None
        """None while nothing plays."""
        self._begun = 0
        """The frame where what plays began: nothing before it sounds."""
        self._rest_seconds = 0.0
        """The place while nothing plays."""
        self._is_at_end = False
        """Whether it rests there because everything was played."""
        self._message = ""
        self._reported = Heard(is_playing=False, seconds=0.0)
        self._report_at = 0.0

    def handle(self, command: HearingCommand) -> None:
        """Does what a command says; what sounds follows at once."""
        match command:
            case Hear():
                self._answer(command)
            case SetSilent(names=names):
                self._silent = frozenset(names)
                self._exchange()
            case ReplaceNotes(name=name, notes=notes):
                self._replace_notes(name, notes)
            case Seek(seconds=seconds) if self._tracks:
                self._seek(seconds)
            case Pause():
                self._rest(CLOSE_SECONDS)
            case Resume() if self._tracks and self._mix is None:
                self._resume()
            case StopHearing():
                self._rest(STOP_SECONDS)
                self._tracks, self._rest_seconds = (), 0.0
                self._close_voices()
        self._report(at_once=True)

    def work(self) -> float:
        """Does what is due; returns the seconds until more is, if no command comes.

        Raises:
            OutputLost: the report of it is sent.
        """
        now = self._clock()
        if self._output is not None and now - self._stock.taken_at > LOST_SECONDS:
            self._lose(self._output.name)
        wait = REPORT_SECONDS
        if self._mix is not None and self._output is not None:
            wait = self._feed(self._mix, self._output.rate_hz)
        elif self._output is not None and now >= self._close_at:
            self._close_output()
        self._report(at_once=False)
        return wait

    def close(self) -> None:
        """Closes the output and the files."""
        self._mix = None
        self._close_output()
        self._close_voices()

    def _answer(self, command: Hear) -> None:
        silent, self._silent = self._silent, frozenset(command.silent)
        try:
            self._hear(command.tracks, command.at_seconds)
        except BridgeError as error:
            self._silent = silent
            if isinstance(error, EngineFailed):
                self._message = str(error)
            answer = HearingAnswer(token=command.token, code=error.code, message=error.message, advice=error.advice)
        else:
            answer = HearingAnswer(token=command.token)
        self._report(at_once=True)  # whoever waits for the answer knows then what sounds
        self._send(answer)

    def _hear(self, tracks: Sequence[Track], at_seconds: float) -> None:
        """Raises BridgeError if a file cannot be read, or there is no output; what played before plays on then."""
        output = self._output or self._open_output(self._stock.take)
        voices: list[NamedVoice] = []
        try:
            for track in tracks:
                voices.append(NamedVoice(track.name, _voice_of(track, output.rate_hz)))
            if self._output is None:
                self._stock.begin(output.rate_hz)
                output.start()
        except BaseException:
            _close(voices)
            if self._output is None:
                output.close()
            raise
        self._close_voices()
        self._output, self._tracks, self._voices, self._message = output, tuple(tracks), voices, ""
        self._play_from(self._frame_at(at_seconds, output.rate_hz))

    def _play_from(self, position: int) -> None:
        self._begun, self._is_at_end = position, False
        self._mix = Mix(self._voices, self._silent, position, self._on_failure)
        self._stock.fade_to(_first_blocks(self._mix), position, in_time=False)

    def _frame_at(self, seconds: float, rate_hz: int) -> int:
        """The frame at this time; beyond the end, the end."""
        end = max((named.voice.frames for named in self._voices), default=0)
        return min(end, seconds_to_frames(min(seconds, end / rate_hz), rate_hz))

    def _exchange(self) -> None:
        """Other voices at the same place."""
        if self._mix is not None:
            position = self._stock.position
            self._mix = Mix(self._voices, self._silent, position, self._on_failure, self._mix.gain)
            self._stock.fade_to(_first_blocks(self._mix), position, in_time=True)

    def _replace_notes(self, name: str, notes: Sequence[Note]) -> None:
        if self._output is None:
            return
        for index, track in enumerate(self._tracks):
            if track.name == name and not track.path:
                changed = replace(track, notes=tuple(notes))
                self._tracks = (*self._tracks[:index], changed, *self._tracks[index + 1 :])
                self._voices[index] = NamedVoice(name, _voice_of(changed, self._output.rate_hz))
        self._exchange()

    def _seek(self, seconds: float) -> None:
        if self._mix is None or self._output is None:
            self._is_at_end, self._rest_seconds = False, seconds
        else:
            self._play_from(self._frame_at(seconds, self._output.rate_hz))

    def _resume(self) -> None:
        """Goes on where it rests; from the start if that is the end."""
        try:
            self._hear(self._tracks, 0.0 if self._is_at_end else self._rest_seconds)
        except BridgeError as error:
            self._message = str(error)
            return

    def _rest(self, open_seconds: float) -> None:
        """Nothing plays from here on; the output is closed after that time."""
        close_at = self._clock() + open_seconds
        if self._mix is not None:
            self._rest_seconds = self._heard_seconds()  # what is on its way to the ear is heard again, not missed
            self._stock.fade_out()
            self._mix = None
        else:
            close_at = min(close_at, self._close_at)
        self._close_at = close_at

    def _feed(self, mix: Mix, rate_hz: int) -> float:
        full = round(STOCK_SECONDS * rate_hz)
        if mix.is_over:
            self._stock.is_fed = False
            if self._stock.frames == 0:
                self._rest(CLOSE_SECONDS)
                self._is_at_end, self._rest_seconds = True, mix.end / rate_hz
        elif self._stock.frames < full:
            self._stock.add(mix.next_block())
        if mix.is_over or self._stock.frames >= full:
            return min(REPORT_SECONDS, max(0.005, (self._stock.frames - LOW_SHARE * full) / rate_hz))
        return 0.0

    def _heard_seconds(self) -> float:
        if self._mix is None or self._output is None:
            return self._rest_seconds
        delay = seconds_to_frames(self._output.delay_seconds, self._output.rate_hz)
        return max(self._begun, self._stock.position - delay) / self._output.rate_hz

    def _report(self, *, at_once: bool) -> None:
        heard = Heard(
            is_playing=self._mix is not None,
            seconds=self._heard_seconds(),
            is_at_end=self._is_at_end,
            device="" if self._output is None else self._output.name,
            message=self._message,
            underruns=self._stock.underruns,
        )
        is_new = (heard.is_playing, heard.message) != (self._reported.is_playing, self._reported.message)
        if heard != self._reported and (at_once or is_new or self._clock() >= self._report_at):
            self._reported = heard
            self._report_at = self._clock() + REPORT_SECONDS
            self._send(heard)

    def _lose(self, name: str) -> None:
        self._rest_seconds, self._mix, self._output = self._heard_seconds(), None, None
        self._message = f"The output ({name}) has gone. Connect it again, or another, and play on."
        self._report(at_once=True)
        raise OutputLost(name)

    def _on_failure(self, named: NamedVoice, error: Exception) -> None:
        log.warning("%s can no longer be read: %s", named.name, error)
        self._message = f"{named.name} is silent now: {error}"

    def _close_output(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def _close_voices(self) -> None:
        _close(self._voices)
        self._voices = []


def _voice_of(track: Track, rate_hz: int) -> Voice:
    """Raises BridgeError if its file cannot be read."""
    if track.path:
        return FileVoice(Path(track.path), rate_hz)
    return (DrumVoice if track.is_drums else NoteVoice)(track.notes, rate_hz)


def _close(voices: Sequence[NamedVoice]) -> None:
    for named in voices:
        named.voice.close()


def _first_blocks(mix: Mix) -> Samples:
    return np.concatenate([mix.next_block() for _ in range(FIRST_BLOCKS)])
