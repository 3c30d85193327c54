"""How much of a file an engine must hear so that a region's stems are those that the whole file would give."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.audio.resample import common_grid, reach_frames, resampled
from bridge.protocols import Separator, Signal


@dataclass(frozen=True)
class Excerpt:
    """A region in frames of the file, and what to feed the engine for it, in frames at the engine's rate.

    Both count from the file's start.
    """

    frames: int
    """Length of the region."""
    engine_rate_hz: int
    heard_start: int
    heard_stop: int
    """What the engine hears: the region and its context."""
    kept_start: int
    kept_frames: int
    """What of its answer is used: the region, and what the way back to the file's rate depends on."""
    lead: int
    """Frames of the file between what is kept and the region."""


def excerpt_for(separator: Separator, source: Signal, start: int, stop: int) -> Excerpt:
    """The excerpt for frames `start` to `stop` of `source`."""
    rate = source.sample_rate_hz
    engine_rate = separator.sample_rate_hz or rate
    context = separator.context(engine_rate)
    frames = resampled(source, engine_rate).frames
    reach = reach_frames(engine_rate, rate, engine_rate)
    # What is kept begins where frames of both rates coincide: on the way back none may fall between two others.
    step, step_there = common_grid(engine_rate, rate), common_grid(rate, engine_rate)
    steps = max(0, start * step // step_there - reach) // step
    kept_start = steps * step
    kept_stop = min(-(-stop * step // step_there) + reach, frames)
    grid = context.grid_frames
    first_window = min(-(-max(0, kept_start - context.frames) // grid), kept_start // grid)
    return Excerpt(
        frames=stop - start,
        engine_rate_hz=engine_rate,
        heard_start=first_window * grid,
        heard_stop=min(kept_stop + context.frames, frames),
        kept_start=kept_start,
        kept_frames=kept_stop - kept_start,
        lead=start - steps * step_there,
    )
