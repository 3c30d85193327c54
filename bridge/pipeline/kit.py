"""The parts of a split drum stem: read on the steps of their file format, split, collected, and closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bridge.audio.scratch import Scratch
from bridge.audio.sink import BITS
from bridge.model import Note
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.protocols import Control, Signal
from bridge.separation.kit.closing import closed, on_steps
from bridge.separation.kit.splitter import split_kit
from bridge.stems import KIT

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: A float of 32 bits holds whole steps of formats with up to this many bits.
MOST_BITS = 24


def step_of(subtype: str) -> float:
    """The step of an integer format's samples, full scale at ±1; 0: it has none that floats hold."""
    bits = BITS.get(subtype, 0)
    return 2.0 ** (1 - bits) if 0 < bits <= MOST_BITS else 0.0


@contextmanager
def scratch_kit(
    drums: Signal, hits: Sequence[Note], subtype: str, folder: OutputFolder, control: Control
) -> Iterator[Mapping[str, Scratch]]:
    """The parts of a drum stem that is written as `subtype`, in scratch files, which are removed at the end.

    They sum to the stem as it is written: for integers to the bit; see `closed`.

    Raises:
        Cancelled: by `control`.
    """
    whole = _OnSteps(drums, step_of(subtype))
    with ExitStack() as scratches:
        made = {}
        for part in KIT:
            made[part] = Scratch(folder.scratch(part), drums.channels, drums.sample_rate_hz)
            scratches.callback(made[part].discard)
        position = 0
        for block in split_kit(whole, hits, control):
            frames = len(next(iter(block.values())))
            parts = closed(block, whole.read(position, position + frames), whole.step)
            for part, samples in parts.items():
                made[part].append(samples)
            position += frames
        for scratch in made.values():
            scratch.close()
        yield made


class _OnSteps:
    """A signal as an integer format holds it."""

    def __init__(self, signal: Signal, step: float) -> None:
        self._signal = signal
        self.step = step

    @property
    def frames(self) -> int:
        return self._signal.frames

    @property
    def channels(self) -> int:
        return self._signal.channels

    @property
    def sample_rate_hz(self) -> int:
        return self._signal.sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        return on_steps(self._signal.read(start, stop), self.step)
