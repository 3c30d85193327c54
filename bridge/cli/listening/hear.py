"""`sab hear`: plays stems and notes on this machine's output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from bridge.cli import shared
from bridge.cli.listening.keys import pressed_keys
from bridge.cli.listening.tracks import silent_but, tracks_at
from bridge.cli.output.console import PlainConsole
from bridge.cli.output.terminal import write_line
from bridge.config import OUTPUTS
from bridge.errors import EngineFailed, unresponsive_drive
from bridge.hearing.client import ADVICE, HearingClient
from bridge.plain import plain
from bridge.protocols.hearing import Hearing, HearingStatus, Track
from bridge.system.ending import interruption
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.units import clock_text

JUMP_SECONDS = 5.0
KEYS = "space pause, ← → jump, 1–9 on and off, q end"

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH…", help="Stems, songs, .mid files, or a folder of results: all its stems together."),
]
Solo = Annotated[str | None, typer.Option("--solo", help="Only these, as bass,drums.")]
Notes = Annotated[bool, typer.Option("--notes", help="Play the notes on a simple synthesiser, not the audio.")]
From = Annotated[float, typer.Option("--from", min=0.0, help="The second to start at.")]
HearOn = Annotated[
    str | None,
    typer.Option("--hear-on", metavar=f"[{'|'.join(OUTPUTS)}]", help="The output, the default one unless set."),
]


@shared.command
async def hear(paths: Paths, solo: Solo = None, notes: Notes = False, start: From = 0.0, hear_on: HearOn = None) -> int:
    """Hear stems, or notes on a simple synthesiser, on this machine's output."""
    settings = shared.settings_from(hear_on=hear_on)
    try:
        tracks = await off_loop(
            lambda: tracks_at([Path(path) for path in paths], as_notes=notes), timeout_seconds=ANSWER_SECONDS
        )
    except TimeoutError:
        raise unresponsive_drive(paths[0]) from None
    hearing = HearingClient(settings.hear_on)
    try:
        async with interruption() as interrupted:
            listening = Listening(hearing, tracks, silent_but(tracks, solo))
            playing = asyncio.ensure_future(listening.play(start))
            stopped = asyncio.ensure_future(interrupted.wait())
            await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not playing.done():
                playing.cancel()
                await asyncio.wait({playing})
                return shared.INTERRUPTED
            playing.result()
    finally:
        await hearing.close()
    return shared.DONE


class Listening:
    """One `sab hear`: plays to the end, or until a key ends it."""

    def __init__(self, hearing: Hearing, tracks: tuple[Track, ...], silent: tuple[str, ...]) -> None:
        self._hearing = hearing
        self._tracks = tracks
        self._silent = set(silent)
        self._is_paused = False
        self._over = asyncio.Event()
        self._console = PlainConsole(stderr=True)
        self._line: Live | None = None

    async def play(self, start_seconds: float) -> None:
        """Raises BridgeError: a file cannot be read, there is no output, or it has gone."""
        self._hearing.set_silent(sorted(self._silent))
        await self._hearing.play(self._tracks, start_seconds)
        with ExitStack() as held:
            if sys.stdin.isatty() and self._console.is_terminal and not self._console.is_dumb_terminal:
                held.enter_context(self._drawn())
                held.enter_context(pressed_keys(self.press))
            else:
                names = ", ".join(track.name for track in self._tracks if track.name not in self._silent)
                write_line(f"Playing {names}.")
            held.callback(self._hearing.subscribe(self._on_status))
            self._on_status(self._hearing.status)
            await self._over.wait()
        if (message := self._hearing.status.message) and not self._hearing.status.is_playing:
            raise EngineFailed(message, advice="" if message.endswith(ADVICE) else ADVICE)

    def press(self, key: str) -> None:
        """Does what a key says."""
        status = self._hearing.status
        match key:
            case "q" | "escape":
                self._over.set()
            case " ":
                self._is_paused = not self._is_paused
                (self._hearing.pause if self._is_paused else self._hearing.resume)()
            case "left" | "right":
                jump = JUMP_SECONDS if key == "right" else -JUMP_SECONDS
                self._hearing.seek(max(0.0, status.seconds + jump))
            case _ if key.isdecimal() and 0 < int(key) <= len(self._tracks):
                self._silent ^= {self._tracks[int(key) - 1].name}
                self._hearing.set_silent(sorted(self._silent))
        self._draw(status)

    def _on_status(self, status: HearingStatus) -> None:
        self._draw(status)
        if not status.is_playing and not self._is_paused:
            self._over.set()

    @contextmanager
    def _drawn(self) -> Iterator[None]:
        with Live(console=self._console, auto_refresh=False, transient=True) as self._line:
            yield
        self._line = None

    def _draw(self, status: HearingStatus) -> None:
        if self._line is None:
            return
        text = Text(f"{'‖' if self._is_paused else '▶'} {clock_text(status.seconds)}  ", no_wrap=True, overflow="crop")
        for number, track in enumerate(self._tracks, 1):
            is_silent = track.name in self._silent
            text.append(f"{'○' if is_silent else '●'} {number} {plain(track.name)}  ", "dim" if is_silent else "bold")
        text.append(f"{KEYS}  {plain(status.message or status.device)}", "dim")
        self._line.update(text, refresh=True)
