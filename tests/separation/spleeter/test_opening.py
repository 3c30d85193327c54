"""Opening the engines beside OpenVINO's conversions, which are for other networks than these."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.control import NullControl
from bridge.separation.backends import Backends
from bridge.separation.families.table import EngineFamilies
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.separation.registry import WORTH_CONVERTING_SECONDS, EngineRegistry
from bridge.system.clock import SystemClock
from tests.support.small_models import locations_in

pytest.importorskip("openvino")


@pytest.fixture
def registry(tmp_path: Path) -> EngineRegistry:
    clock = SystemClock()
    backends = Backends(OpenVinoCache(tmp_path / "openvino", clock=clock))
    return EngineRegistry(EngineFamilies.at(locations_in(tmp_path)), clock=clock, backends=backends)


@pytest.mark.parametrize("name", ["good", "spleeter"])
def test_a_long_song_is_taken(registry: EngineRegistry, name: str) -> None:
    assert registry.open(name, "cpu", NullControl(), seconds=2 * WORTH_CONVERTING_SECONDS).stems


def test_a_pull_and_the_idle_time_have_nothing_to_do(registry: EngineRegistry) -> None:
    registry.pull("good", NullControl())
    loaded = registry.open("good", "cpu", NullControl())

    registry.convert(threading.Event())

    assert registry.open("good", "cpu", NullControl()) is loaded
