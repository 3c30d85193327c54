"""Open-Unmix, with small random models in the layout of the package's training."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bridge.audio.signal import ArraySignal
from bridge.errors import WeightsUnavailable
from bridge.separation.catalogue import engine_entries, known_engines
from bridge.separation.downloads.fetch import Fetcher
from bridge.separation.families.loaders import load_openunmix
from bridge.separation.models.openunmix_files import NAMES, Unmix
from bridge.separation.models.weights import Weights
from bridge.separation.networks.unmix_network import ITERATIONS, WIENER_COLUMNS, load_unmix
from bridge.separation.registry import EngineRegistry
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import ModelFolders, joined, locations_in, noise

pytestmark = pytest.mark.skipif(find_spec("openunmix") is None, reason="the extra umx is not installed")

TARGETS = ("bass", "vocals")
MADE = {"sample_rate": 8000, "nfft": 256, "nhop": 64, "nb_channels": 2}
SEGMENT_FRAMES = 299 * 64


def save_model(folder: Path, targets: tuple[str, ...] = TARGETS) -> Path:
    """Writes the files of the package's `train.py` that its loader reads."""
    from bridge.separation.networks.unmix_network import _import_models

    folder.mkdir(parents=True)
    (folder / "separator.json").write_text(json.dumps(MADE), encoding="utf-8")
    torch.manual_seed(0)
    for target in targets:
        network = _import_models().OpenUnmix(nb_bins=129, nb_channels=2, hidden_size=16, max_bin=100)
        torch.save(network.state_dict(), folder / f"{target}.pth")
        arguments = {"nfft": 256, "nb_channels": 2, "hidden_size": 16}
        (folder / f"{target}.json").write_text(json.dumps({"args": arguments}), encoding="utf-8")
    return folder


@pytest.fixture
def locations(tmp_path: Path) -> ModelFolders:
    save_model(tmp_path / "models" / "mine")
    return locations_in(tmp_path)


def found(locations: ModelFolders) -> Weights:
    weights = locations.find("mine")
    assert weights is not None
    return weights


@pytest.fixture
def by_package(locations: ModelFolders) -> Any:
    """The same model, loaded by the package's own loader, which `_import_models` has made importable."""
    from openunmix import utils

    return utils.load_separator(str(locations.models_dir / "mine"), list(TARGETS), niter=ITERATIONS).eval()


def open_mine(locations: ModelFolders) -> Any:
    return EngineRegistry(locations.families, clock=FakeClock()).open("mine", "cpu", RecordingControl())


def test_one_window_equals_the_package_s_output(locations: ModelFolders, by_package: Any) -> None:
    mix = noise(SEGMENT_FRAMES, level=0.05)
    separator = open_mine(locations)
    stems = joined(list(separator.separate(ArraySignal(mix, 8000), separator.stems, RecordingControl())), separator)
    with torch.inference_mode():
        expected = by_package(torch.from_numpy(mix.T.copy())[None])[0]
    for index, target in enumerate(TARGETS):
        np.testing.assert_allclose(stems[target], expected[index].T.numpy(), atol=1e-6)
    assert np.abs(stems["bass"]).max() > 0.001


def test_longer_mixes_are_deterministic(locations: ModelFolders) -> None:
    mix = ArraySignal(noise(2 * SEGMENT_FRAMES + 777), 8000)
    separator = open_mine(locations)
    control = RecordingControl()
    first, second = (joined(list(separator.separate(mix, separator.stems, control)), separator) for _ in range(2))
    for stem in TARGETS:
        assert first[stem].shape == (mix.frames, 2)
        np.testing.assert_array_equal(first[stem], second[stem])


def test_the_mix_is_not_normalised(locations: ModelFolders, by_package: Any) -> None:
    separator = open_mine(locations)
    offset = ArraySignal(noise(SEGMENT_FRAMES, level=0.01) + np.float32(0.25), 8000)
    stems = joined(list(separator.separate(offset, ("bass",), RecordingControl())), _Only(separator, ("bass",)))
    with torch.inference_mode():
        expected = by_package(torch.from_numpy(offset.read(0, SEGMENT_FRAMES).T.copy())[None])[0, 0]
    np.testing.assert_allclose(stems["bass"], expected.T.numpy(), atol=1e-6)


class _Only:
    """A separator restricted to some stems, for `joined`."""

    def __init__(self, separator: Any, stems: tuple[str, ...]) -> None:
        self._separator = separator
        self.stems = stems

    def __getattr__(self, name: str) -> Any:
        return getattr(self._separator, name)


def test_a_network_has_the_properties_of_its_model(locations: ModelFolders) -> None:
    network = load_unmix(found(locations), "cpu", RecordingControl())
    assert network.sources == TARGETS
    assert network.sample_rate_hz == 8000
    assert network.window_frames == (WIENER_COLUMNS - 1) * MADE["nhop"]
    assert len(network.identity()) == 16
    again = load_unmix(found(locations), "cpu", RecordingControl())
    assert again.identity() == network.identity()


def test_a_single_target_needs_no_filter(tmp_path: Path) -> None:
    save_model(tmp_path / "models" / "mine", ("vocals",))
    separator = open_mine(locations_in(tmp_path))
    blocks = list(separator.separate(ArraySignal(noise(4000), 8000), ("vocals",), RecordingControl()))
    assert sum(len(block["vocals"]) for block in blocks) == 4000


def test_the_package_is_imported_without_torchaudio() -> None:
    program = (
        "import sys, importlib.abc\n"
        "class Refuse(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'torchaudio': raise ImportError('torchaudio is broken')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from bridge.separation.networks.unmix_network import _import_models\n"
        "print(_import_models().OpenUnmix.__name__, 'torchaudio' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "OpenUnmix False"


def test_a_users_folder_is_listed_with_its_size(locations: ModelFolders) -> None:
    info = {info.name: info for info in engine_entries(locations.families)}["mine"]
    assert info.present
    assert info.size_bytes == sum(path.stat().st_size for path in (locations.models_dir / "mine").glob("*.pth"))


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("ran",)


@pytest.mark.parametrize(
    ("state", "words"),
    [(_Evil(), "damaged"), ({"weights": torch.zeros(1)}, "not a stereo Open-Unmix model"), ([], "not a")],
)
def test_weights_run_no_code_and_must_fit(
    locations: ModelFolders, state: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(state, locations.models_dir / "mine" / "vocals.pth")
    with pytest.raises(WeightsUnavailable, match=words):
        load_unmix(found(locations), "cpu", RecordingControl())
    assert "ran" not in capsys.readouterr().out


def test_a_target_without_weights_is_named(locations: ModelFolders) -> None:
    (locations.models_dir / "mine" / "vocals.pth").unlink()
    with pytest.raises(WeightsUnavailable, match=r"vocals\.pth"):
        locations.find("mine")


def test_the_package_gives_the_urls_of_released_models() -> None:
    unmix = Unmix.installed()
    for name in NAMES:
        assert set(unmix.urls[name]) == {"vocals", "drums", "bass", "other"}
        assert all(url.startswith("https://") and url.endswith(".pth") for url in unmix.urls[name].values())
    assert set(NAMES) <= set(known_engines(Path("nowhere")))


def test_a_released_model_is_found_in_torch_hub_s_cache(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    for path in Unmix.installed().files("umxl", locations.server_cache).values():
        assert locations.find("umxl") is None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    weights = locations.find("umxl")
    assert weights is not None
    assert weights.loader is load_openunmix


def test_a_file_with_a_wrong_checksum_is_refused(locations: ModelFolders) -> None:
    path = locations.models_dir / "mine" / "vocals.pth"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    path = path.rename(path.with_name(f"vocals-{digest}.pth"))
    assert load_unmix(found(locations), "cpu", RecordingControl()).sources == TARGETS
    path.rename(path.with_name("vocals-00000000.pth"))
    with pytest.raises(WeightsUnavailable, match="checksum"):
        load_unmix(found(locations), "cpu", RecordingControl())


def test_no_server_is_contacted_in_offline_mode(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="HF_HUB_OFFLINE"):
        Fetcher(environ={"HF_HUB_OFFLINE": "1"}).fetch(
            "umxhq", locations_in(tmp_path).families.sources("umxhq"), RecordingControl()
        )


def test_an_unreachable_server_gives_a_clear_message(tmp_path: Path) -> None:
    probed: list[str] = []

    def unreachable(url: str, _seconds: float) -> None:
        probed.append(url)
        raise OSError("Network is unreachable")

    with pytest.raises(WeightsUnavailable, match="Open-Unmix authors cannot be reached"):
        Fetcher(probe=unreachable).fetch("umxhq", locations_in(tmp_path).families.sources("umxhq"), RecordingControl())
    assert len(probed) == 1


def test_without_the_package_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.separation.models.openunmix_files.package_folder", lambda _: None)
    locations = locations_in(tmp_path)
    info = {info.name: info for info in engine_entries(locations.families)}["umxl"]
    assert not info.present
    assert "the extra umx " in info.note
    engines = EngineRegistry(locations.families, clock=FakeClock())
    with pytest.raises(WeightsUnavailable, match="the extra umx "):
        engines.open("umxl", "cpu", RecordingControl())
    with pytest.raises(WeightsUnavailable, match="the extra umx "):
        engines.pull("umxl", RecordingControl())
