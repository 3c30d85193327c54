"""The players of the comparison: the bridge's player as it is, and mido's player in a separate process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.events import Event, MidiEnded
from bridge.midi.client import MidiPlayer
from bridge.midi.ports.port_layout import PortLayout
from bridge.model import Lateness

MESSAGES_PER_SECOND = 200
VOICES = 16
STEM = "piano"


def write_song(path: Path, notes: int, *, seed: int = 1, messages_per_second: float = MESSAGES_PER_SECOND) -> Path:
    """A file of up to 16 voices with random onsets and lengths, always the same for a seed."""
    rng = random.Random(seed)
    seconds = 2 * notes / messages_per_second
    onsets = sorted(rng.uniform(0.0, seconds - 0.2) for _ in range(notes))
    free_at = [0.0] * VOICES
    events: list[tuple[float, int, mido.Message]] = []
    for onset in onsets:
        voice = min(range(VOICES), key=free_at.__getitem__)
        start = max(onset, free_at[voice])  # a voice sounds one note at a time
        free_at[voice] = start + rng.uniform(0.03, 0.14)
        pitch = 24 + voice * 5 + rng.randrange(5)
        events.append((start, 1, mido.Message("note_on", note=pitch, velocity=rng.randint(1, 127))))
        events.append((free_at[voice], 0, mido.Message("note_off", note=pitch, velocity=64)))
    file = mido.MidiFile(type=0, ticks_per_beat=19_200)
    track = mido.MidiTrack()
    now = 0
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(at * 2 * file.ticks_per_beat)
        track.append(message.copy(time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(str(path))
    return path


class OurPlayer:
    """The player's process through its client, and the lateness of its last playback."""

    def __init__(self, environment: Mapping[str, str], layout: PortLayout) -> None:
        self._ended = asyncio.Event()
        self._lateness: Lateness | None = None
        self.player = MidiPlayer(self._happened, layout, environment=environment)

    async def play(self, song: Path) -> Lateness:
        self._ended.clear()
        await self.player.play("benchmark", {STEM: song})
        await self._ended.wait()
        assert self._lateness is not None
        return self._lateness

    def _happened(self, event: Event) -> None:
        if isinstance(event, MidiEnded):
            self._lateness = event.lateness
            self._ended.set()


@contextlib.asynccontextmanager
async def our_player(environment: Mapping[str, str], layout: PortLayout) -> AsyncIterator[OurPlayer]:
    ours = OurPlayer(environment, layout)
    await ours.player.start()
    try:
        await ours.player.wait_ready()
        yield ours
    finally:
        await ours.player.close()


def mido_plays(song: Path, environment: Mapping[str, str]) -> tuple[int, float, float]:
    """Messages, p99 and worst lateness in ms of mido's player in a separate process."""
    command = [sys.executable, "-m", "benchmarks.speed.midi_players", str(song)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment}).stdout
    messages, p99_ms, worst_ms = json.loads(out.splitlines()[-1])
    return messages, p99_ms, worst_ms


def be_mido(song: Path) -> None:
    """Plays as mido's documentation describes, and takes the time before each send."""
    file = mido.MidiFile(str(song))
    jack = mido.Backend("mido.backends.rtmidi/UNIX_JACK") if "JACK_DEFAULT_SERVER" in os.environ else None
    output = jack.open_output("SAB benchmark", virtual=True) if jack is not None else None
    due, late_ns = 0.0, []
    start_ns = time.perf_counter_ns()
    messages = iter(file.play(meta_messages=True))
    for message in messages:
        now_ns = time.perf_counter_ns()
        due += message.time
        if message.is_meta:
            continue
        late_ns.append(now_ns - start_ns - round(due * 1e9))
        if output is not None:
            output.send(message)
    late_ns.sort()
    p99_ns = late_ns[-(-99 * len(late_ns) // 100) - 1]
    print(json.dumps([len(late_ns), p99_ns / 1e6, late_ns[-1] / 1e6]))


if __name__ == "__main__":
    be_mido(Path(sys.argv[1]))
