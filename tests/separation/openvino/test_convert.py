"""OpenVINO as back-end. Converting takes seconds, so one conversion serves all tests."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.errors import Cancelled
from bridge.separation.backends import Backends
from bridge.separation.models.locations import Weights
from bridge.separation.openvino import artifact
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.separation.registry import EngineRegistry
from bridge.system.files import sha256_of
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import RATE_HZ, joined, locations_in, noise, save_htdemucs, save_model, small_model

pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]  # converting runs at low priority


class Place:
    """A machine with a small htdemucs and a cache."""

    def __init__(self, folder: Path) -> None:
        self.locations = locations_in(folder)
        self.cache = folder / "cache"

    @property
    def weights(self) -> Weights:
        weights = self.locations.find("htdemucs")
        assert weights is not None
        return weights

    @property
    def conversion(self) -> Path:
        (folder,) = self.cache.iterdir()
        return folder

    def conversions(self) -> OpenVinoCache:
        return OpenVinoCache(self.cache, clock=FakeClock())

    def backends(self) -> Backends:
        return Backends(self.conversions())

    def engines(self) -> EngineRegistry:
        return EngineRegistry(
            self.locations.models_dir, clock=FakeClock(), locations=self.locations, backends=self.backends()
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("machine"))
    save_htdemucs(place.locations.models_dir)
    backends = place.backends()
    loaded = backends.load(place.weights, "cpu", NullControl())
    assert loaded.backend == "torch"
    list(loaded.separator.separate(ArraySignal(noise(9000), RATE_HZ), ["bass"], NullControl()))
    assert backends.convert(loaded, NullControl())
    assert not backends.is_current(loaded, place.weights, "cpu")
    return place


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    shutil.copytree(made.locations.models_dir, tmp_path / "models")
    shutil.copytree(made.cache, tmp_path / "cache")
    return Place(tmp_path)


def test_a_converted_model_computes_what_torch_computes(place: Place) -> None:
    mix = ArraySignal(noise(20_011), RATE_HZ)
    fast = place.backends().load(place.weights, "cpu", NullControl())
    sure = Backends().load(place.weights, "cpu", NullControl())
    assert (fast.backend, sure.backend) == ("openvino", "torch")
    assert fast.separator.identity() == sure.separator.identity()
    assert fast.separator.stems == sure.separator.stems
    ours = joined(list(fast.separator.separate(mix, fast.separator.stems, NullControl())), fast.separator)
    theirs = joined(list(sure.separator.separate(mix, sure.separator.stems, NullControl())), sure.separator)
    for stem, expected in theirs.items():
        np.testing.assert_allclose(ours[stem], expected, atol=1e-5)


def test_conversion_leaves_one_folder_that_says_how_well_it_agrees(place: Place) -> None:
    found = artifact.read_artifact(place.conversion)
    assert found is not None
    assert 0 < found.difference < 1e-4
    assert sorted(path.name for path in place.conversion.iterdir()) == ["model.bin", "model.json", "model.xml"]


def test_torch_serves_where_the_conversion_deviates_and_says_so_once(place: Place) -> None:
    found = artifact.read_artifact(place.conversion)
    assert found is not None
    artifact.write_artifact(place.conversion, msgspec.structs.replace(found, difference=2e-3))
    engines, control = place.engines(), RecordingControl()
    for _ in range(2):
        engines.open("htdemucs", "cpu", control)
    (warning,) = control.warnings
    assert warning.code == "backend_differs"
    assert "0.002" in warning.message


def cut_short(folder: Path) -> None:
    path = folder / artifact.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(folder: Path) -> None:
    path = folder / artifact.WEIGHTS
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def lose_the_graph(folder: Path) -> None:
    (folder / artifact.GRAPH).unlink()


def garble_the_description(folder: Path) -> None:
    (folder / artifact.DESCRIPTION).write_text("{", encoding="utf-8")


@pytest.mark.parametrize("spoil", [cut_short, flip_a_bit, lose_the_graph, garble_the_description])
def test_a_damaged_conversion_is_removed_and_torch_serves(place: Place, spoil: Callable[[Path], None]) -> None:
    spoil(place.conversion)
    assert place.backends().load(place.weights, "cpu", NullControl()).backend == "torch"
    assert list(place.cache.iterdir()) == []


def test_a_graph_that_openvino_refuses_is_given_up_for_torch(place: Place) -> None:
    found = artifact.read_artifact(place.conversion)
    assert found is not None
    graph = place.conversion / artifact.GRAPH
    graph.write_text("<net/>", encoding="utf-8")
    digests = {**found.sha256, artifact.GRAPH: sha256_of(graph)}
    artifact.write_artifact(place.conversion, msgspec.structs.replace(found, sha256=digests))
    separator = place.engines().open("htdemucs", "cpu", RecordingControl())
    assert list(place.cache.iterdir()) == []
    blocks = list(separator.separate(ArraySignal(noise(5000), RATE_HZ), ["bass"], NullControl()))
    assert sum(len(block["bass"]) for block in blocks) == 5000


def test_other_weights_are_another_conversion(place: Place) -> None:
    save_model(place.locations.models_dir, "other", small_model("transformer", 1))
    weights = place.locations.find("other")
    assert weights is not None
    assert place.backends().load(weights, "cpu", NullControl()).backend == "torch"


def test_a_conversion_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    save_htdemucs(place.locations.models_dir)
    backends = place.backends()
    loaded = backends.load(place.weights, "cpu", NullControl())
    with pytest.raises(Cancelled):
        backends.convert(loaded, RecordingControl(cancel_at=3))
    assert list(place.cache.iterdir()) == []
    assert backends.is_current(loaded, place.weights, "cpu")


def test_models_of_other_kinds_stay_with_torch(tmp_path: Path) -> None:
    place = Place(tmp_path)
    save_model(place.locations.models_dir, "mine", small_model("hybrid"))
    weights = place.locations.find("mine")
    assert weights is not None
    backends = place.backends()
    assert not backends.convert(backends.load(weights, "cpu", NullControl()), NullControl())
    assert not place.cache.exists()


def test_an_idle_worker_loads_the_preferred_model_and_a_job_gets_it(place: Place) -> None:
    engines = place.engines()
    engines.prepare(threading.Event())
    separator = engines.open("auto", "cpu", RecordingControl())
    assert engines.open("htdemucs", "cpu", RecordingControl()) is separator


def test_pulling_a_model_converts_it_too(tmp_path: Path) -> None:
    place, control = Place(tmp_path), RecordingControl()
    save_htdemucs(place.locations.models_dir)
    place.engines().pull("htdemucs", control)
    assert artifact.read_artifact(place.conversion) is not None
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_a_job_with_long_work_before_it_converts_first(tmp_path: Path) -> None:
    place, control = Place(tmp_path), RecordingControl()
    save_htdemucs(place.locations.models_dir)
    engines = place.engines()
    short = engines.open("htdemucs", "cpu", control, seconds=10.0)
    assert not place.cache.exists()
    assert engines.open("htdemucs", "cpu", control, seconds=600.0) is not short
    assert artifact.read_artifact(place.conversion) is not None


def test_a_cache_that_cannot_be_written_costs_speed_and_no_job(tmp_path: Path) -> None:
    place, control = Place(tmp_path), RecordingControl()
    save_htdemucs(place.locations.models_dir)
    place.cache.write_text("a file where the folder should be")
    assert place.engines().open("htdemucs", "cpu", control, seconds=600.0).name == "htdemucs"
    assert not control.warnings
    place.engines().pull("htdemucs", control)


def test_nothing_is_prepared_once_a_job_has_come(place: Place) -> None:
    engines, stop = place.engines(), threading.Event()
    stop.set()
    engines.prepare(stop)
    engines.convert(stop)
    assert engines._warm is None
