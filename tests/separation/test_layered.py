from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.protocols import Context
from bridge.separation.layered import LayeredSeparator
from tests.support.fakes import RecordingControl
from tests.support.small_models import noise

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StemBlock


@dataclass
class Share:
    """An engine whose stems are fixed shares of its input; it reads `around` frames of context, block by block."""

    name: str
    shares: dict[str, float]
    block: int
    around: int = 0
    sample_rate_hz: int | None = None
    device: str = "cpu"
    asked: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.shares)

    def context(self, sample_rate_hz: int) -> Context:  # noqa: ARG002 - the same at any rate
        return Context(self.around, self.block)

    def identity(self) -> str:
        return f"{self.name}-1"

    def separate(
        self,
        mix: Signal,
        stems: Sequence[str],
        control: Control,
        *,
        early: bool = False,  # noqa: ARG002 - of the seam
    ) -> Iterator[StemBlock]:
        self.asked.append(tuple(stems))
        for start in range(0, mix.frames, self.block):
            control.checkpoint(start / mix.frames)
            stop = min(start + self.block, mix.frames)
            first = max(0, start - self.around)
            excerpt = mix.read(first, min(stop + self.around, mix.frames))[start - first :][: stop - start]
            yield {stem: excerpt * np.float32(self.shares[stem]) for stem in stems}
        control.checkpoint(1.0)


FOUR = {"vocals": 0.1, "drums": 0.25, "bass": 0.5, "other": 0.15}


def layers(block: int = 100, second_block: int = 70, around: int = 30) -> tuple[LayeredSeparator, Share, Share]:
    first = Share("voice", {"vocals": 0.5, "other": 0.5}, block, sample_rate_hz=44100)
    second = Share("band", FOUR, second_block, around)
    return LayeredSeparator("both", first, second), first, second


def joined(separator: LayeredSeparator, stems: Sequence[str], frames: int) -> StemBlock:
    blocks = list(separator.separate(ArraySignal(noise(frames), 44100), stems, RecordingControl()))
    assert all(set(block) == set(stems) for block in blocks)
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in stems}


@given(
    st.integers(1, 600), st.integers(1, 300), st.integers(1, 300), st.integers(0, 200),
    st.lists(st.sampled_from(list(FOUR)), min_size=1, unique=True),
)  # fmt: skip
def test_every_stem_is_right_whatever_the_blocks(
    frames: int, block: int, second_block: int, around: int, stems: list[str]
) -> None:
    mix = noise(frames)
    expected = {"vocals": 0.5, "drums": 0.125, "bass": 0.25, "other": 0.125}
    for stem, samples in joined(layers(block, second_block, around)[0], stems, frames).items():
        np.testing.assert_allclose(samples, mix * expected[stem], atol=1e-6)


def test_the_vocals_alone_need_only_the_first_engine() -> None:
    separator, first, second = layers()
    joined(separator, ["vocals"], 500)
    assert (first.asked, second.asked) == ([("vocals",)], [])


def test_the_second_engine_makes_only_what_is_asked() -> None:
    separator, first, second = layers()
    joined(separator, ["bass"], 500)
    assert (first.asked, second.asked) == ([("vocals",)], [("bass",)])


def test_it_is_described_by_both_engines() -> None:
    separator, _, _ = layers()
    assert separator.stems == ("vocals", "drums", "bass", "other")
    assert separator.context(44100) == Context(30, 700)
    assert separator.identity() == "voice-1 band-1"
    assert (separator.name, separator.device, separator.sample_rate_hz) == ("both", "cpu", 44100)


def test_progress_rises_to_one() -> None:
    separator, _, _ = layers()
    control = RecordingControl()
    list(separator.separate(ArraySignal(noise(1000), 44100), list(FOUR), control))
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[0] == 0
    assert control.fractions[-1] == pytest.approx(1)
