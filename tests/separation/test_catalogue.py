from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import WeightsUnavailable
from bridge.model import ModelInfo
from bridge.separation.catalogue import engine_entries, known_engines
from bridge.separation.models.demucs_bags import Released, read_bag
from bridge.separation.models.locations import ModelLocations
from bridge.separation.registry import EngineRegistry
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import ModelFolders, locations_in, save_htdemucs


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def entry(name: str, locations: ModelFolders) -> ModelInfo:
    return {info.name: info for info in engine_entries(locations.families)}[name]


def test_the_package_s_models_are_known_without_importing_it(tmp_path: Path) -> None:
    names = known_engines(tmp_path / "nowhere")
    assert names[:5] == ("auto", "draft", "good", "spleeter", "htdemucs")
    assert {"htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra", "mdx_q"} <= set(names)


def test_import_is_light() -> None:
    program = (
        "import pathlib, sys; from bridge.separation.catalogue import catalogue;"
        "catalogue(pathlib.Path('nowhere'));"
        "import bridge.separation.registry;"
        "print([name for name in ('torch', 'demucs', 'numpy', 'scipy', 'huggingface_hub') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_draft_is_always_present_and_models_only_with_their_weights(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    assert entry("draft", locations).present
    assert not entry("htdemucs", locations).present
    assert entry("htdemucs_6s", locations).stems == ("vocals", "drums", "bass", "other", "guitar", "piano")
    assert all(info.note for info in engine_entries(locations.families))


@pytest.mark.parametrize("name", ["htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra"])
def test_the_terms_of_the_weights_are_told(tmp_path: Path, name: str) -> None:
    note = entry(name, locations_in(tmp_path)).note
    is_free = name.startswith("htdemucs")
    assert ("Weights: MIT" in note, "non-commercial research" in note) == (is_free, not is_free)


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [("htdemucs", 84), ("htdemucs_ft", 337), ("htdemucs_6s", 55), ("hdemucs_mmi", 167), ("mdx_extra", 670)],
)
def test_the_size_of_a_released_model_is_known_before_download(tmp_path: Path, name: str, megabytes: int) -> None:
    info = entry(name, locations_in(tmp_path))
    assert not info.present
    assert round((info.size_bytes or 0) / 1e6) == megabytes


def test_an_unpublished_size_is_omitted_and_present_files_are_measured(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    assert entry("mdx", locations).size_bytes is None
    assert entry("draft", locations).size_bytes is None
    touch(locations.models_dir / "955717e8-8726e21a.th", "seventeen letters")
    assert entry("htdemucs", locations).size_bytes == 17


def test_a_released_checkpoint_in_the_users_folder_needs_no_definition(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    file = touch(locations.models_dir / "955717e8-8726e21a.th")
    assert entry("htdemucs", locations).present
    found = locations.find("htdemucs")
    assert found is not None
    assert found.files == (file,)


def test_the_hub_cache_is_searched_in_the_hub_s_layout(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    repository = locations.hub_cache / "models--adefossez--HTDemucs-ft"
    touch(repository / "refs" / "main", "abc123")
    touch(repository / "snapshots" / "abc123" / "htdemucs_ft.yaml", "models: ['one', 'two']")
    touch(repository / "snapshots" / "abc123" / "one.safetensors")
    assert not entry("htdemucs_ft", locations).present
    touch(repository / "snapshots" / "abc123" / "two.safetensors")
    assert entry("htdemucs_ft", locations).present


def test_torch_hub_s_cache_is_searched(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    touch(locations.server_cache / "75fc33f5-1941ce65.th")
    assert entry("hdemucs_mmi", locations).present


@pytest.mark.parametrize(
    ("environ", "hub", "server"),
    [
        ({"HF_HOME": "/a", "TORCH_HOME": "/b"}, "/a/hub", "/b/hub/checkpoints"),
        ({"HF_HOME": "/a", "HF_HUB_CACHE": "/c"}, "/c", "~/.cache/torch/hub/checkpoints"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub", "/x/torch/hub/checkpoints"),
    ],
)
def test_the_environment_sets_the_cache_locations(environ: dict[str, str], hub: str, server: str) -> None:
    locations = ModelLocations.of(Path("models"), environ)
    assert locations.hub_cache == Path(hub).expanduser()
    assert locations.server_cache == Path(server).expanduser()


def test_the_environment_names_a_mirror_of_the_hub() -> None:
    assert ModelLocations.of(Path("models"), {"HF_ENDPOINT": "https://mirror/"}).hub_url == "https://mirror"


def test_a_checkpoint_named_like_a_released_model_stands_in_for_it_and_is_listed_once(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    file = touch(locations.models_dir / "mdx.th", "555")
    (info,) = [info for info in engine_entries(locations.families) if info.name == "mdx"]
    assert (info.present, info.size_bytes) == (True, 3)
    found = locations.find("mdx")
    assert found is not None
    assert found.files == (file,)


def test_the_built_in_engine_cannot_be_replaced_by_a_file(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    touch(locations.models_dir / "draft.th")
    found = locations.find("draft")
    assert found is not None
    assert found.files == ()


def test_the_users_bags_and_single_checkpoints_are_listed(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    touch(locations.models_dir / "band.yaml", "models: [aaaa, bbbb]")
    touch(locations.models_dir / "aaaa-01234567.th")
    touch(locations.models_dir / "bbbb.th")
    touch(locations.models_dir / "cccc.th")
    names = {info.name: info.present for info in engine_entries(locations.families)}
    assert names["band"]
    assert names["cccc"]
    assert "aaaa" not in names  # a part of the bag
    assert {"band", "cccc"} <= set(known_engines(locations.models_dir))


def test_a_bag_names_its_missing_file(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    touch(locations.models_dir / "band.yaml", "models: [aaaa, bbbb]")
    touch(locations.models_dir / "aaaa.th")
    info = entry("band", locations)
    assert not info.present
    assert "bbbb.th" in info.note
    with pytest.raises(WeightsUnavailable, match="bbbb"):
        locations.find("band")


def test_quantised_models_name_the_package_they_need(tmp_path: Path) -> None:
    assert "diffq" in entry("mdx_q", locations_in(tmp_path)).note


@pytest.mark.parametrize("text", ["", "[1, 2]", "models: 3", "models: []", "models: [a]\nweights: [[x]]", ": {"])
def test_a_damaged_definition_gives_a_one_line_message(tmp_path: Path, text: str) -> None:
    path = touch(tmp_path / "broken.yaml", text)
    with pytest.raises(WeightsUnavailable, match=r"broken\.yaml"):
        read_bag(path)


def test_without_the_package_its_models_are_listed_with_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.separation.models.demucs_bags.package_folder", lambda _: None)
    locations = ModelFolders(tmp_path, tmp_path, tmp_path, released=Released.installed())
    info = entry("htdemucs", locations)
    assert not info.present
    assert "docs/installation.md" in info.note
    engines = EngineRegistry(locations.families, clock=FakeClock())
    with pytest.raises(WeightsUnavailable, match="needs the package demucs"):
        engines.open("htdemucs", "cpu", RecordingControl())
    control = RecordingControl()
    assert engines.open("auto", "cpu", control).name == "good"
    assert "needs the package demucs" in control.warnings[0].message


def test_weights_without_the_package_that_computes_them_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locations = locations_in(tmp_path)
    save_htdemucs(locations.models_dir)
    monkeypatch.setattr("bridge.separation.models.demucs_bags.package_folder", lambda _: None)
    engines = EngineRegistry(locations.families, clock=FakeClock())
    with pytest.raises(WeightsUnavailable, match="The model htdemucs needs the package demucs"):
        engines.open("htdemucs", "cpu", RecordingControl())
