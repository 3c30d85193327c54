from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.protocols import Context
from bridge.separation.catalogue import engine_entries
from bridge.separation.registry import EngineRegistry
from bridge.separation.throughput import EngineSpeeds, TimedSeparator
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import locations_in, save_model, small_model

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StemBlock

RATE_HZ = 100


class Slow:
    """Takes two seconds for each of two blocks."""

    name, stems, device, sample_rate_hz = "slow", ("vocals", "drums", "other"), "cpu", RATE_HZ

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def context(self, sample_rate_hz: int) -> Context:
        return Context(sample_rate_hz)

    def identity(self) -> str:
        return "0"

    def separate(
        self,
        mix: Signal,
        stems: Sequence[str],
        control: Control,
        *,
        early: bool = False,  # noqa: ARG002 - of the seam
    ) -> Iterator[StemBlock]:
        for start in (0, mix.frames // 2):
            self._clock.advance(2)
            control.checkpoint(start / mix.frames)
            yield {stem: mix.read(start, start + mix.frames // 2) for stem in stems}


def separate(speeds: EngineSpeeds, seconds: int, stems: Sequence[str], blocks: int = 3) -> None:
    clock = FakeClock()
    mix = ArraySignal(np.zeros((seconds * RATE_HZ, 2), np.float32), RATE_HZ)
    stream = TimedSeparator(Slow(clock), speeds, clock).separate(mix, stems, RecordingControl())
    for _ in range(blocks):
        next(stream, None)
        clock.advance(100)  # writing the stems is not the engine's work


def test_the_speed_of_a_whole_clip_is_recorded(tmp_path: Path) -> None:
    speeds = EngineSpeeds(tmp_path / "cache" / "speed.json")
    separate(speeds, 8, ("vocals", "drums"))
    assert speeds.measured() == {"slow": {"cpu": 2.0}}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["speed.json"]


def test_a_listener_need_not_ask_for_more_than_it_wants(tmp_path: Path) -> None:
    speeds = EngineSpeeds(tmp_path / "speed.json")
    separate(speeds, 8, ("vocals", "drums"), blocks=2)
    assert speeds.measured() == {"slow": {"cpu": 2.0}}
    separate(speeds, 20, ("vocals", "drums"), blocks=1)  # a region, and not what was heard after it
    assert speeds.measured() == {"slow": {"cpu": 5.0}}


@pytest.mark.parametrize(
    ("seconds", "stems", "blocks"),
    [(4, ("vocals", "drums"), 3), (8, ("vocals",), 3), (8, ("vocals", "drums"), 1)],
    ids=["short", "one stem of three", "given up"],
)
def test_what_is_no_measure_is_not_noted(tmp_path: Path, seconds: int, stems: Sequence[str], blocks: int) -> None:
    speeds = EngineSpeeds(tmp_path / "speed.json")
    separate(speeds, seconds, stems, blocks)
    assert speeds.measured() == {}


def test_each_device_is_recorded_and_the_fastest_is_shown(tmp_path: Path) -> None:
    speeds = EngineSpeeds(tmp_path / "speed.json")
    for device, speed in (("cpu", 1.0), ("cuda", 30.0), ("cpu", 2.0)):
        speeds.record("htdemucs", device, speed)
    assert speeds.measured() == {"htdemucs": {"cpu": 2.0, "cuda": 30.0}}
    assert speeds.fastest() == {"htdemucs": 30.0}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"htdemucs": 3}', b"\xff"])
def test_a_damaged_file_counts_as_missing_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "speed.json"
    path.write_bytes(content)
    assert EngineSpeeds(path).measured() == {}
    EngineSpeeds(path).record("draft", "cpu", 50.0)
    assert EngineSpeeds(path).fastest() == {"draft": 50.0}


def test_a_folder_that_cannot_be_written_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    EngineSpeeds(tmp_path / "file" / "speed.json").record("draft", "cpu", 50.0)
    assert EngineSpeeds(tmp_path / "file" / "speed.json").measured() == {}


def test_opened_engines_are_timed(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    speeds = EngineSpeeds(tmp_path / "speed.json")
    engines = EngineRegistry(locations.families, clock=FakeClock(), speeds=speeds)
    assert isinstance(engines.open("draft", "cpu", RecordingControl()), TimedSeparator)


def test_the_catalogue_has_size_and_speed(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    path = save_model(locations.models_dir, "mine", small_model("waveform"))
    infos = {info.name: info for info in engine_entries(locations.families, {"mine": 2.5})}
    assert (infos["mine"].size_bytes, infos["mine"].speed) == (path.stat().st_size, 2.5)
    assert infos["htdemucs"].speed is None
