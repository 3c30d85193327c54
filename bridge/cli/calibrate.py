"""`sab calibrate`: measures how late a DAW records the bridge's notes, with sixteen clicks, and stores the offset."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bridge.audio.check import check_source
from bridge.cli import shared
from bridge.cli.logs import log_into
from bridge.cli.output.terminal import write_line
from bridge.cli.ports import is_running, open_player
from bridge.config import Settings
from bridge.errors import BadArguments, EngineFailed
from bridge.events import Event, MidiEnded
from bridge.midi.calibration import CLICKS, calibrate, clicks
from bridge.midi.offsets import offsets_file, offsets_ms, read_calibrated_offsets, write_calibrated_offsets
from bridge.midi.ports.port_layout import PortLayout
from bridge.request import CLOCK, NOW, SYNCS
from bridge.smf.reading import read_midi
from bridge.smf.writing import midi_file
from bridge.stems import STEMS
from bridge.system.waiting import within
from bridge.units import DEFAULT_TEMPO_BPM

#: Time for the DAW to start rolling, and to play the clicks at 40 beats a minute.
TIMEOUT_SECONDS = 180.0
#: What the clicks can follow.
DAW_SYNCS = tuple(sync for sync in SYNCS if sync != NOW)

Recording = Annotated[
    Path | None, typer.Argument(metavar="[RECORDING]", help="The clip that your DAW recorded, as a .mid file.")
]
Stem = Annotated[str, typer.Option("--stem", help="The stem whose port plays the clicks, and whose offset is stored.")]
Every = Annotated[bool, typer.Option("--every", help="Store the offset for all stems, not only for this one.")]
Play = Annotated[bool, typer.Option("--play", help="Play the clicks as soon as your DAW rolls.")]
Sync = Annotated[str, typer.Option("--sync", help=f"What to follow while playing: {', '.join(DAW_SYNCS)}.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be stored, without storing it.")]
Reset = Annotated[bool, typer.Option("--reset", help="Delete the calibrated offsets of all stems.")]


@shared.command
async def calibrate_ports(
    recording: Recording = None,
    stem: Stem = "vocals",
    every: Every = False,
    play: Play = False,
    sync: Sync = CLOCK,
    dry_run: DryRun = False,
    reset: Reset = False,
    port: shared.Port = None,
    state_dir: shared.StateDir = None,
) -> int:
    """Measure how late your DAW records the bridge's notes.

    First arm a track on the stem's port, let your DAW send MIDI clock (or JACK transport, or Link), start
    `sab calibrate --play`, and record. Then export the clip as a MIDI file, and give it to `sab calibrate RECORDING`.
    """
    settings = shared.settings_from(port=port, state_dir=state_dir)
    log_into(settings.state_dir, "calibrate")
    if stem not in STEMS:
        raise BadArguments(f"There is no stem {stem}.", advice=f"There are {', '.join(STEMS)}.")
    if (recording is not None) + play + reset > 1:
        raise BadArguments("A recording, --play and --reset exclude each other.", advice="Give only one of them.")
    if reset:
        _store(settings, {}, dry_run=dry_run)
    elif play:
        await _play(settings, stem, sync)
    elif recording is not None:
        _measure(settings, recording, STEMS if every else (stem,), dry_run=dry_run)
    else:
        _show(settings)
    return shared.DONE


def _measure(settings: Settings, recording: Path, stems: tuple[str, ...], *, dry_run: bool) -> None:
    """Raises NotFound; NotReadable if it is not a MIDI file; BadArguments if it has no clicks."""
    check_source(recording)
    found = calibrate(read_midi(recording).messages)
    write_line(
        f"{found.clicks} of {CLICKS} clicks found; they were {abs(found.late_ms):.2f} ms "
        f"{'late' if found.late_ms >= 0 else 'early'}, half of them within {found.spread_ms:.2f} ms of this."
    )
    updated = {**read_calibrated_offsets(offsets_file(settings)), **dict.fromkeys(stems, found.offset_ms)}
    _store(settings, updated, dry_run=dry_run)
    for stem in stems:
        if stem in settings.midi_offsets_ms:
            write_line(
                f"The setting midi_offsets_ms is {settings.midi_offsets_ms[stem]:g} for {stem}, and overrides this."
            )


def _store(settings: Settings, offsets: dict[str, float], *, dry_run: bool) -> None:
    path = offsets_file(settings)
    before = read_calibrated_offsets(path)
    if not dry_run:
        write_calibrated_offsets(path, offsets)
    for stem in STEMS:
        if before.get(stem) != offsets.get(stem):
            write_line(f"  {stem}: {_offset_text(before.get(stem))} → {_offset_text(offsets.get(stem))}")
    write_line(f"Nothing was written to {path}." if dry_run else f"Written to {path}.")


def _show(settings: Settings) -> None:
    found = offsets_ms(settings)
    for stem in STEMS:
        source = "from the settings" if stem in settings.midi_offsets_ms else "calibrated"
        write_line(f"  {stem:<8} {_offset_text(found.get(stem))}{f', {source}' if stem in found else ''}")
    write_line("`sab calibrate --help` explains how to measure them.")


async def _play(settings: Settings, stem: str, sync: str) -> None:
    """Plays the clicks without any offset.

    Raises:
        BadArguments: `sync` is unknown, or a running bridge has the ports.
        EngineFailed: there are no ports, or the DAW did not roll.
    """
    if sync not in DAW_SYNCS:
        raise BadArguments(f"{sync} cannot be followed.", advice=f"Choose one of {', '.join(DAW_SYNCS)}.")
    if await is_running(settings):
        raise BadArguments("A bridge runs and has the ports.", advice="End it, and start it again afterwards.")
    ended = asyncio.get_running_loop().create_future()

    def on_event(event: Event) -> None:
        if isinstance(event, MidiEnded) and not ended.done():
            ended.set_result(event.outcome)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clicks.mid"
        notes = clicks(DEFAULT_TEMPO_BPM)
        path.write_bytes(midi_file({stem: notes}, seconds=notes[-1].offset_seconds, tempo_bpm=DEFAULT_TEMPO_BPM))
        async with open_player(settings, on_event) as player:
            await player.play("calibration", {stem: path}, sync=sync, beat=None)
            write_line(f"Record {PortLayout.of(settings).name(stem)} in your DAW now; the clicks start when it rolls.")
            try:
                outcome = await within(ended, TIMEOUT_SECONDS)
            except asyncio.TimeoutError:
                raise EngineFailed(
                    "Your DAW did not start to roll.", advice=f"Let it send its clock to the bridge (--sync {sync})."
                ) from None
    if outcome != "finished":
        raise EngineFailed(f"The clicks did not play to their end: {outcome}.", advice="Try again.")
    write_line("Played. Export the recorded clip as a MIDI file: sab calibrate THAT-FILE.mid")


def _offset_text(offset_ms: float | None) -> str:
    return "none" if offset_ms is None else f"{offset_ms:+g} ms"
