"""`jack-exact`: the error of notes in frames of JACK's own clock, measured by an independent client."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types

from benchmarks.speed.midi_players import STEM, our_player
from bridge.midi.ports.port_layout import PortLayout
from tests.support.jack_server import SAMPLE_RATE_HZ, JackServer, MidiReader

TAKES = 6
#: Few enough for a take without xruns on a machine that runs other programs, too.
NOTES = 400


@dataclass(frozen=True)
class ExactTake:
    """The error of the notes that an independent client received; frames of JACK's clock."""

    messages: int
    off_frames: int
    spread_frames: float
    """Between the earliest and the latest error; less than 1: all are at the frame nearest to their time."""
    xruns: int
    void_takes: int
    period_frames: int
    is_void: bool
    """The server lost time or messages in the last take, too: its figures mean nothing."""

    def line(self) -> str:
        return (
            f"jack-exact, {self.period_frames} frames a period: {self.messages} messages, {self.off_frames} frames off "
            f"(aim: 0), spread {self.spread_frames:.2f}; xruns {self.xruns}, earlier takes void {self.void_takes}"
            f"{' – VOID, as all takes were' if self.is_void else ''}"
        )


async def exact(song: Path, server: JackServer, period_frames: int) -> ExactTake:
    """Plays on `jack-exact` until a take has no xruns, `TAKES` at most."""
    file = mido.MidiFile(str(song))
    due, dues = 0.0, []
    for message in file:
        due += message.time
        if not message.is_meta:
            dues.append(due)
    void = 0
    async with our_player(server.environment, PortLayout(backend="jack-exact")) as ours:
        while True:
            with MidiReader(server) as reader:
                reader.connect(f"Source Audio Bridge:{PortLayout().name(STEM)}")
                await asyncio.sleep(3)  # a new client causes xruns; and the frame map must become idle
                reader.xruns = 0
                await ours.play(song)
                await asyncio.to_thread(reader.wait, lambda received: len(received) >= len(dues), 5)
                received, xruns = list(reader.received), reader.xruns
            if not xruns or void == TAKES:
                break
            void += 1
            print(f"void: {xruns} xruns, {len(received)} of {len(dues)} messages received", file=sys.stderr)
    if not xruns and len(received) != len(dues):
        raise SystemExit(f"jack-exact: {len(received)} of {len(dues)} messages received without an xrun")
    errors = [message.frame - due * SAMPLE_RATE_HZ for message, due in zip(received, dues, strict=False)]
    spread = max(errors) - min(errors)
    return ExactTake(len(received), int(spread), spread, xruns, void, period_frames, is_void=xruns > 0)
