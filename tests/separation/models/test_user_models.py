"""Users' own models, and what their files may and may not do."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from demucs.states import get_state
from safetensors.torch import save_file

from bridge.errors import WeightsUnavailable
from bridge.separation.catalogue import engine_entries, known_engines
from bridge.separation.families.loaders import load_demucs
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.loading import load_bag
from bridge.separation.models.weights import Weights
from bridge.separation.registry import EngineRegistry
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import locations_in, save_model, save_safetensors, small_model


def save_pickle(path: Path, model: Any, **more: Any) -> Path:
    args, kwargs = model._init_args_kwargs
    state = get_state(model, None)  # type: ignore[no-untyped-call]
    torch.save({"klass": type(model), "args": args, "kwargs": kwargs, "state": state, **more}, path)
    return path


def load(path: Path, control: RecordingControl, *, trust_pickles: bool = False) -> Any:
    weights = Weights("mine", Bag(("mine",)), (path,), load_demucs, trusts_pickles=trust_pickles)
    return load_bag(weights, control).models[0]


def test_a_folder_laid_out_like_a_hub_repository_is_a_model(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    folder = locations.models_dir / "band"
    for index, signature in enumerate(("aaaa", "bbbb")):
        save_safetensors(folder / f"{signature}.safetensors", small_model("waveform", index))
    (folder / "band.yaml").write_text("models: [aaaa, bbbb]\n", encoding="utf-8")
    assert "band" in known_engines(locations.models_dir)
    info = {info.name: info for info in engine_entries(locations.families)}["band"]
    assert info.present
    assert info.size_bytes == sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    opened = EngineRegistry(locations.families, clock=FakeClock()).open("band", "cpu", RecordingControl())
    assert (opened.name, opened.stems) == ("band", ("vocals", "drums", "bass", "other"))


def test_a_single_checkpoint_in_a_folder_has_the_folder_s_name(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    path = save_model(locations.models_dir / "mine", "955717e8", small_model("waveform"))
    found = locations.find("mine")
    assert found is not None
    assert found.files == (path,)


def test_safetensors_are_preferred_to_a_pickle_of_the_same_name(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    path = save_safetensors(locations.models_dir / "mine.safetensors", small_model("waveform"))
    save_pickle(locations.models_dir / "mine.th", small_model("waveform", 1))
    found = locations.find("mine")
    assert found is not None
    assert found.files == (path,)


def test_an_ambiguous_folder_gives_a_clear_message(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    for signature in ("aaaa", "bbbb"):
        save_model(locations.models_dir / "band", signature, small_model("waveform"))
    with pytest.raises(WeightsUnavailable, match=r"band\.yaml"):
        locations.find("band")
    info = {info.name: info for info in engine_entries(locations.families)}["band"]
    assert not info.present
    assert "which of its files" in info.note


def test_a_folder_names_its_missing_file(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    (locations.models_dir / "band").mkdir(parents=True)
    (locations.models_dir / "band" / "x.yaml").write_text("models: [aaaa]", encoding="utf-8")
    with pytest.raises(WeightsUnavailable, match="lacks aaaa"):
        locations.find("band")


def test_folders_without_a_model_are_ignored(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    (locations.models_dir / "pictures").mkdir(parents=True)
    (locations.models_dir / "pictures" / "a.png").touch()
    assert "pictures" not in known_engines(locations.models_dir)


def test_a_plain_pickle_is_read_without_running_anything(tmp_path: Path) -> None:
    control = RecordingControl()
    model = load(save_pickle(tmp_path / "mine.th", small_model("transformer"), training_args={"seed": 1}), control)
    assert model.samplerate == 8000
    assert control.warnings == []


class Runs:
    """Makes a folder when it is unpickled, as a hostile file would run what it likes."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.made),))


def test_a_pickle_that_brings_code_does_not_run_it_unless_the_user_said_so(tmp_path: Path) -> None:
    made, locations = tmp_path / "made", locations_in(tmp_path)
    locations.models_dir.mkdir(parents=True, exist_ok=True)
    save_pickle(locations.models_dir / "evil.th", small_model("waveform"), training_args=Runs(made))
    careful = EngineRegistry(locations.families, clock=FakeClock())
    with pytest.raises(WeightsUnavailable, match="trust_pickles = true"):
        careful.open("evil", "cpu", RecordingControl())
    assert not made.exists()
    trusting = EngineRegistry(replace(locations.families, trust_pickles=True), clock=FakeClock())
    trusting.open("evil", "cpu", RecordingControl())
    assert made.is_dir()


def test_the_list_says_which_models_may_need_trust(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    locations.models_dir.mkdir(parents=True, exist_ok=True)
    save_pickle(locations.models_dir / "old.th", small_model("waveform"))
    save_safetensors(locations.models_dir / "new.safetensors", small_model("waveform"))
    notes = {info.name: info.note for info in engine_entries(locations.families)}
    assert "trust_pickles" in notes["old"]
    assert "trust_pickles" not in notes["new"]


def test_a_trusted_pickle_with_objects_is_loaded_with_a_warning(tmp_path: Path) -> None:
    control = RecordingControl()
    path = save_pickle(tmp_path / "mine.th", small_model("waveform"), training_args=SimpleNamespace(seed=1))
    assert load(path, control, trust_pickles=True).samplerate == 8000
    (warning,) = control.warnings
    assert warning.code == "pickled_weights"
    assert str(path) in warning.message


def test_a_released_file_needs_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = RecordingControl()
    path = save_pickle(tmp_path / "955717e8-8726e21a.th", small_model("waveform"), training_args=SimpleNamespace())
    monkeypatch.setattr("demucs.repo.check_checksum", lambda *_: None)
    assert load(path, control).samplerate == 8000
    assert control.warnings == []


@pytest.mark.parametrize("klass", ["os.system", "demucs.states.load_model", "builtins.print"])
def test_safetensors_cannot_call_arbitrary_functions(tmp_path: Path, klass: str) -> None:
    path = tmp_path / "mine.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"klass": klass, "args": json.dumps(["echo"]), "kwargs": "{}"})
    with pytest.raises(WeightsUnavailable, match=f"wants to be a {klass}"):
        load(path, RecordingControl())


def test_safetensors_without_a_demucs_class_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsUnavailable, match="not a Demucs model"):
        load(path, RecordingControl())


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        ALIASES + "models: *a8\n",
        "models: " + "[" * 20_000,
        "models: [band]\nsegment: " + "9" * 5000,
        "models: [band]\n" + "# much\n" * 50_000,
        "models: [\xff",
    ],
    ids=["aliases of aliases", "brackets", "a huge number", "a long file", "damaged"],
)
def test_a_hostile_definition_is_refused_and_hides_no_other_model(tmp_path: Path, text: str) -> None:
    locations = locations_in(tmp_path)
    save_model(locations.models_dir / "mine", "955717e8", small_model("waveform"))
    (locations.models_dir / "band.yaml").write_bytes(text.encode("latin-1"))
    infos = {info.name: info for info in engine_entries(locations.families)}
    assert infos["mine"].present
    assert not infos["band"].present
    with pytest.raises(WeightsUnavailable, match=r"band\.yaml .* does not describe a model"):
        locations.find("band")
