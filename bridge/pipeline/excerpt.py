"""How much of a file an engine needs as input so that a region's stems equal those of the whole file."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.audio.resample import common_grid, reach_frames, resampled
from bridge.protocols import Separator, Signal


@dataclass(frozen=True)
class Excerpt:
    """A region in frames at the file's rate, and the engine's input for it in frames at the engine's rate.

    All positions count from the start of the file.
    """

    frames: int
    """Length of the region."""
    engine_rate_hz: int
    input_start: int
    input_stop: int
    """End of the engine's input: the region and its context."""
    used_start: int
    used_frames: int
    """The part of the engine's output that is used: the region, and the margin that resampling back needs."""
    lead: int
    """Frames, at the file's rate, between the start of the used output and the region."""


def excerpt_for(separator: Separator, source: Signal, start: int, stop: int) -> Excerpt:
    """The excerpt for frames `start` to `stop` of `source`."""
    rate = source.sample_rate_hz
    engine_rate = separator.sample_rate_hz or rate
    context = separator.context(engine_rate)
    frames = resampled(source, engine_rate).frames
    reach = reach_frames(engine_rate, rate, engine_rate)
    # The used output starts where frames of both rates coincide, so that resampled frames fall on the file's frames.
    engine_step, source_step = common_grid(engine_rate, rate), common_grid(rate, engine_rate)
    steps = max(0, start * engine_step // source_step - reach) // engine_step
    used_start = steps * engine_step
    used_stop = min(-(-stop * engine_step // source_step) + reach, frames)
    grid = context.grid_frames
    first_window = min(-(-max(0, used_start - context.frames) // grid), used_start // grid)
    return Excerpt(
        frames=stop - start,
        engine_rate_hz=engine_rate,
        input_start=first_window * grid,
        input_stop=min(used_stop + context.frames, frames),
        used_start=used_start,
        used_frames=used_stop - used_start,
        lead=start - steps * source_step,
    )
