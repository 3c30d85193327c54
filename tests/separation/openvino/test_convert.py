"""The OpenVINO back-end. Converting takes seconds, so all tests share one conversion."""

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
from bridge.separation.models.weights import Weights
from bridge.separation.openvino import artifact
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.separation.registry import EngineRegistry
from bridge.system.files import sha256_of
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import RATE_HZ, joined, locations_in, noise, save_htdemucs, save_model, small_model

pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]  # converting runs at low priority


class Machine:
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

    def openvino_cache(self) -> OpenVinoCache:
        return OpenVinoCache(self.cache, clock=FakeClock())

    def backends(self) -> Backends:
        return Backends(self.openvino_cache())

    def engines(self) -> EngineRegistry:
        return EngineRegistry(self.locations.families, clock=FakeClock(), backends=self.backends())


@pytest.fixture(scope="module")
def converted_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    save_htdemucs(machine.locations.models_dir)
    backends = machine.backends()
    loaded = backends.load(machine.weights, "cpu", NullControl())
    assert loaded.backend == "torch"
    list(loaded.separator.separate(ArraySignal(noise(9000), RATE_HZ), ["bass"], NullControl()))
    assert backends.convert(loaded, NullControl())
    assert not backends.is_current(loaded, machine.weights, "cpu")
    return machine


@pytest.fixture
def machine(converted_machine: Machine, tmp_path: Path) -> Machine:
    shutil.copytree(converted_machine.locations.models_dir, tmp_path / "models")
    shutil.copytree(converted_machine.cache, tmp_path / "cache")
    return Machine(tmp_path)


def test_a_converted_model_computes_what_torch_computes(machine: Machine) -> None:
    mix = ArraySignal(noise(20_011), RATE_HZ)
    fast = machine.backends().load(machine.weights, "cpu", NullControl())
    torch = Backends().load(machine.weights, "cpu", NullControl())
    assert (fast.backend, torch.backend) == ("openvino", "torch")
    assert fast.separator.identity() == torch.separator.identity()
    assert fast.separator.stems == torch.separator.stems
    ours = joined(list(fast.separator.separate(mix, fast.separator.stems, NullControl())), fast.separator)
    theirs = joined(list(torch.separator.separate(mix, torch.separator.stems, NullControl())), torch.separator)
    for stem, expected in theirs.items():
        np.testing.assert_allclose(ours[stem], expected, atol=1e-5)


def test_conversion_writes_one_folder_with_the_difference_from_torch(machine: Machine) -> None:
    found = artifact.read_artifact(machine.conversion)
    assert found is not None
    assert 0 < found.difference < 1e-4
    assert sorted(path.name for path in machine.conversion.iterdir()) == ["model.bin", "model.json", "model.xml"]


def test_torch_is_used_with_one_warning_if_the_conversion_deviates(machine: Machine) -> None:
    found = artifact.read_artifact(machine.conversion)
    assert found is not None
    artifact.write_artifact(machine.conversion, msgspec.structs.replace(found, difference=2e-3))
    engines, control = machine.engines(), RecordingControl()
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
def test_a_damaged_conversion_is_deleted_and_torch_is_used(machine: Machine, spoil: Callable[[Path], None]) -> None:
    spoil(machine.conversion)
    assert machine.backends().load(machine.weights, "cpu", NullControl()).backend == "torch"
    assert list(machine.cache.iterdir()) == []


def test_torch_replaces_a_graph_that_openvino_refuses(machine: Machine) -> None:
    found = artifact.read_artifact(machine.conversion)
    assert found is not None
    graph = machine.conversion / artifact.GRAPH
    graph.write_text("<net/>", encoding="utf-8")
    digests = {**found.sha256, artifact.GRAPH: sha256_of(graph)}
    artifact.write_artifact(machine.conversion, msgspec.structs.replace(found, sha256=digests))
    separator = machine.engines().open("htdemucs", "cpu", RecordingControl())
    assert list(machine.cache.iterdir()) == []
    blocks = list(separator.separate(ArraySignal(noise(5000), RATE_HZ), ["bass"], NullControl()))
    assert sum(len(block["bass"]) for block in blocks) == 5000


def test_each_model_has_its_own_conversion(machine: Machine) -> None:
    save_model(machine.locations.models_dir, "other", small_model("transformer", 1))
    weights = machine.locations.find("other")
    assert weights is not None
    assert machine.backends().load(weights, "cpu", NullControl()).backend == "torch"


def test_a_cancelled_conversion_leaves_no_files(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    save_htdemucs(machine.locations.models_dir)
    backends = machine.backends()
    loaded = backends.load(machine.weights, "cpu", NullControl())
    with pytest.raises(Cancelled):
        backends.convert(loaded, RecordingControl(cancel_at=3))
    assert list(machine.cache.iterdir()) == []
    assert backends.is_current(loaded, machine.weights, "cpu")


def test_unsupported_models_are_not_converted(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    save_model(machine.locations.models_dir, "mine", small_model("hybrid"))
    weights = machine.locations.find("mine")
    assert weights is not None
    backends = machine.backends()
    assert not backends.convert(backends.load(weights, "cpu", NullControl()), NullControl())
    assert not machine.cache.exists()


def test_an_idle_worker_preloads_the_preferred_model(machine: Machine) -> None:
    engines = machine.engines()
    engines.prepare(threading.Event())
    separator = engines.open("auto", "cpu", RecordingControl())
    assert engines.open("htdemucs", "cpu", RecordingControl()) is separator


def test_pulling_a_model_converts_it_too(tmp_path: Path) -> None:
    machine, control = Machine(tmp_path), RecordingControl()
    save_htdemucs(machine.locations.models_dir)
    machine.engines().pull("htdemucs", control)
    assert artifact.read_artifact(machine.conversion) is not None
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_a_long_job_converts_its_model_first(tmp_path: Path) -> None:
    machine, control = Machine(tmp_path), RecordingControl()
    save_htdemucs(machine.locations.models_dir)
    engines = machine.engines()
    short = engines.open("htdemucs", "cpu", control, seconds=10.0)
    assert not machine.cache.exists()
    assert engines.open("htdemucs", "cpu", control, seconds=600.0) is not short
    assert artifact.read_artifact(machine.conversion) is not None


def test_jobs_work_without_a_writable_cache(tmp_path: Path) -> None:
    machine, control = Machine(tmp_path), RecordingControl()
    save_htdemucs(machine.locations.models_dir)
    machine.cache.write_text("a file where the folder should be")
    assert machine.engines().open("htdemucs", "cpu", control, seconds=600.0).name == "htdemucs"
    assert not control.warnings
    machine.engines().pull("htdemucs", control)


def test_preparing_ends_when_a_job_arrives(machine: Machine) -> None:
    engines, stop = machine.engines(), threading.Event()
    stop.set()
    engines.prepare(stop)
    engines.convert(stop)
    assert engines._warm.loaded is None
