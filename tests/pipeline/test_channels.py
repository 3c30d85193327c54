import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import EngineFailed
from bridge.pipeline.channels import separated, stems_of
from bridge.protocols import Context, Signal
from tests.support.fakes import RecordingControl
from tests.support.separators import SharesSeparator
from tests.support.sounds import Samples, level_dbfs, music

ALL = ("vocals", "drums", "bass", "other")


def separate(
    sound: Samples, stems: tuple[str, ...] = ALL, rate: int = 44_100, engine: SharesSeparator | None = None
) -> dict[str, Samples]:
    signal: Signal = ArraySignal(sound, rate)
    blocks = list(separated(engine or SharesSeparator(), signal, stems, RecordingControl()))
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in stems}


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("rate", [22_050, 44_100, 192_000])
@pytest.mark.parametrize("engine_rate", [None, 44_100])
def test_stems_have_the_sources_shape_and_sum_to_it(channels: int, rate: int, engine_rate: int | None) -> None:
    sound = music(0.11, rate, channels)
    stems = separate(sound, rate=rate, engine=SharesSeparator(sample_rate_hz=engine_rate))
    assert all(stem.shape == sound.shape for stem in stems.values())
    assert level_dbfs(sum(stems.values()) - sound) < -120


def test_channels_are_independent() -> None:
    sound = music(0.1, channels=6)
    sound[:, :2], sound[:, 4:] = 0.0, 0.0
    stems = separate(sound)
    assert np.abs(stems["vocals"][:, [0, 1, 4, 5]]).max() == 0
    assert np.allclose(stems["vocals"][:, 2:4], sound[:, 2:4] * 0.4, atol=1e-6)


def test_the_remainder_goes_to_other() -> None:
    sound = music(0.1)
    assert np.allclose(separate(sound)["other"], sound * 0.1, atol=1e-6)


def test_an_engine_without_other_gets_one() -> None:
    engine = SharesSeparator(shares={"vocals": 0.7})
    assert stems_of(engine) == ("vocals", "other")
    sound = music(0.1)
    assert np.allclose(separate(sound, ("vocals", "other"), engine=engine)["other"], sound * 0.3, atol=1e-6)


def test_the_engine_is_asked_only_for_needed_stems() -> None:
    engine = SharesSeparator()
    separate(music(0.1), ("bass",), engine=engine)
    separate(music(0.1), ("other",), engine=engine)
    assert engine.asked == [("bass",), ("vocals", "drums", "bass")]


def test_progress_over_several_pairs_never_falls() -> None:
    control = RecordingControl()
    signal = ArraySignal(music(0.1, channels=8), 44_100)
    list(separated(SharesSeparator(), signal, ALL, control))
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_an_engine_that_loses_frames_fails() -> None:
    class LosesLastBlock(SharesSeparator):
        def separate(self, mix: Signal, stems, control, *, early=False):  # type: ignore[no-untyped-def]
            blocks = list(super().separate(mix, stems, control, early=early))
            return iter(blocks[:-1])

    with pytest.raises(EngineFailed):
        separate(music(0.1), engine=LosesLastBlock())


def test_a_single_frame_can_be_separated() -> None:
    assert separate(np.ones((1, 1), np.float32), rate=48_000, engine=SharesSeparator(sample_rate_hz=44_100))


@pytest.mark.parametrize(("context_seconds", "early"), [(0.0, True), (2.0, True), (9.0, False)])
def test_an_early_first_block_is_asked_for_where_it_would_hold_some_of_the_region(
    context_seconds: float, early: bool
) -> None:
    engine = SharesSeparator(needed_context=Context(round(context_seconds * 8000)), block=8000)
    source = ArraySignal(music(12.0, rate=8000), 8000)
    list(separated(engine, source, ALL, RecordingControl(), start=10 * 8000, early=True))
    assert engine.early == [early]
