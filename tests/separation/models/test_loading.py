from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.errors import WeightsUnavailable
from bridge.separation.families.loaders import load_demucs
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.loading import load_bag
from bridge.separation.models.weights import Weights
from tests.support.fakes import RecordingControl
from tests.support.small_models import locations_in, save_htdemucs, save_model, save_safetensors, small_model


def test_a_bag_is_loaded_with_its_weights_and_window(tmp_path: Path) -> None:
    locations = locations_in(tmp_path)
    for index, signature in enumerate(("aaaa", "bbbb")):
        save_model(locations.models_dir, signature, small_model("waveform", index))
    (locations.models_dir / "band.yaml").write_text(
        "models: [aaaa, bbbb]\nweights: [[1, 0, 0, 0], [0, 1, 1, 1]]\nsegment: 0.5\n", encoding="utf-8"
    )
    weights = locations.find("band")
    assert weights is not None
    control = RecordingControl()
    bag = load_bag(weights, control)
    assert bag.weights == [[1, 0, 0, 0], [0, 1, 1, 1]]
    assert [model.segment for model in bag.models] == [0.5, 0.5]
    assert control.fractions == [0.0, 0.5, 1.0]


def test_safetensors_give_the_model_that_was_saved(tmp_path: Path) -> None:
    model = small_model("waveform")
    path = save_safetensors(tmp_path / "aaaa.safetensors", model)
    bag = load_bag(Weights("m", Bag(("aaaa",)), (path,), load_demucs), RecordingControl())
    for key, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), bag.models[0].state_dict()[key].numpy())


def flip_a_byte(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def cut_short(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def cut_short_without_checksum(path: Path) -> Path:
    cut_short(path)
    return path.rename(path.with_name("955717e8.th"))


def empty(path: Path) -> Path:
    path.unlink()
    path = path.with_name("955717e8.th")
    path.touch()
    return path


def something_else(path: Path) -> Path:
    path.unlink()
    path = path.with_name("955717e8.th")
    torch.save({"weights": torch.zeros(3)}, path)
    return path


def wrong_shapes(path: Path) -> Path:
    package = torch.load(path, weights_only=False)
    path.unlink()
    package["state"] = {key: tensor[..., :0] for key, tensor in package["state"].items()}
    path = path.with_name("955717e8.th")
    torch.save(package, path)
    return path


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (flip_a_byte, "checksum"),
        (cut_short, "checksum"),
        (cut_short_without_checksum, "damaged or incomplete"),
        (empty, "damaged or incomplete"),
        (something_else, "not a Demucs model"),
        (wrong_shapes, "damaged or incomplete"),
    ],
)
def test_a_damaged_checkpoint_gives_a_one_line_message(
    tmp_path: Path, spoil: Callable[[Path], Path], words: str
) -> None:
    locations = locations_in(tmp_path)
    path = spoil(save_htdemucs(locations.models_dir))
    weights = locations.find("htdemucs")
    assert weights is not None
    with pytest.raises(WeightsUnavailable, match=words) as caught:
        load_bag(weights, RecordingControl())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one = save_model(tmp_path, "aaaa", small_model("waveform"))
    other = save_model(tmp_path, "bbbb", small_model("waveform", sources=["vocals", "rest"]))
    with pytest.raises(WeightsUnavailable, match="not a Demucs model"):
        load_bag(Weights("band", Bag(("aaaa", "bbbb")), (one, other), load_demucs), RecordingControl())


def test_a_quantised_model_without_diffq_gives_a_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bridge.separation.models.demucs_bags.find_spec", lambda name: None if name == "diffq" else find_spec(name)
    )
    with pytest.raises(WeightsUnavailable, match="diffq"):
        load_bag(Weights("mdx_q", Bag(("aaaa",)), (tmp_path / "aaaa.th",), load_demucs), RecordingControl())
