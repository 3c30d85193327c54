from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge.errors import BadArguments, Cancelled, EngineFailed, WeightsUnavailable
from bridge.separation.downloads.source import DownloadSource
from bridge.separation.families.table import EngineFamilies
from bridge.separation.registry import EngineRegistry
from bridge.separation.spleeter.checkpoints import SpleeterPackage
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import locations_in, save_htdemucs, save_model, small_model

if TYPE_CHECKING:
    from bridge.protocols import Control


@dataclass
class FakeFetch:
    """A download that saves a small htdemucs into a models folder, or fails."""

    models_dir: Path
    works: bool = True
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str, _sources: Sequence[DownloadSource], control: Control) -> None:
        self.asked.append(name)
        for step in range(3):
            control.checkpoint(step / 3)
        if not self.works:
            raise WeightsUnavailable("There is no network.")
        save_htdemucs(self.models_dir)


def engines(folder: Path, fetch: FakeFetch) -> EngineRegistry:
    return EngineRegistry(locations_in(folder).families, clock=FakeClock(), fetch=fetch)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match=r"one of auto, draft, good, spleeter, htdemucs.*not .demuks."):
        engines(tmp_path, FakeFetch(tmp_path / "models")).open("demuks", "auto", RecordingControl())


def test_an_unknown_device_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match=r"no device tpu.*cuda"):
        engines(tmp_path, FakeFetch(tmp_path / "models")).open("draft", "tpu", RecordingControl())


def test_auto_is_htdemucs_if_it_is_present(tmp_path: Path) -> None:
    fetch, control = FakeFetch(tmp_path / "models"), RecordingControl()
    save_htdemucs(tmp_path / "models")
    separator = engines(tmp_path, fetch).open("auto", "cpu", control)
    assert (separator.name, separator.device) == ("htdemucs", "cpu")
    assert fetch.asked == []
    assert control.warnings == []


def test_auto_without_htdemucs_is_good_with_a_warning_and_downloads_nothing(tmp_path: Path) -> None:
    fetch, control = FakeFetch(tmp_path / "models"), RecordingControl()
    assert engines(tmp_path, fetch).open("auto", "cpu", control).name == "good"
    assert fetch.asked == []
    (warning,) = control.warnings
    assert warning.code == "weights_unavailable"
    assert "htdemucs, is not on this machine" in warning.message
    assert "sab models pull htdemucs" in warning.message


def test_auto_without_any_weights_is_draft(tmp_path: Path) -> None:
    control = RecordingControl()
    nothing = EngineFamilies.at(locations_in(tmp_path), spleeter=SpleeterPackage(None))
    opener = EngineRegistry(nothing, clock=FakeClock(), fetch=FakeFetch(tmp_path / "models"))
    assert opener.open("auto", "cpu", control).name == "draft"
    (warning,) = control.warnings
    assert "The engine draft takes its place" in warning.message
    assert "The networks of good are not installed" in warning.message
    assert "Install the bridge again" in warning.message


def test_weights_that_appear_are_used_at_once(tmp_path: Path) -> None:
    opener = engines(tmp_path, FakeFetch(tmp_path / "models"))
    assert opener.open("auto", "cpu", RecordingControl()).name == "good"
    save_htdemucs(tmp_path / "models")
    assert opener.open("auto", "cpu", RecordingControl()).name == "htdemucs"


def test_a_named_engine_is_fetched_with_progress(tmp_path: Path) -> None:
    fetch, control = FakeFetch(tmp_path / "models"), RecordingControl()
    assert engines(tmp_path, fetch).open("htdemucs", "cpu", control).name == "htdemucs"
    assert fetch.asked == ["htdemucs"]
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_an_engine_requested_by_name_is_never_replaced(tmp_path: Path) -> None:
    fetch, control = FakeFetch(tmp_path / "models", works=False), RecordingControl()
    opener = engines(tmp_path, fetch)
    for _ in range(2):
        with pytest.raises(WeightsUnavailable, match="no network"):
            opener.open("htdemucs", "cpu", control)
    assert len(fetch.asked) == 2  # each request by name tries the download again
    assert control.warnings == []


def test_damaged_weights_send_auto_to_good_with_the_reason(tmp_path: Path) -> None:
    path = save_htdemucs(tmp_path / "models")
    path.write_bytes(b"nothing")
    control = RecordingControl()
    assert engines(tmp_path, FakeFetch(tmp_path / "models")).open("auto", "cpu", control).name == "good"
    assert path.name in control.warnings[0].message


def test_cancelling_a_download_can_be_repeated(tmp_path: Path) -> None:
    fetch = FakeFetch(tmp_path / "models")
    opener = engines(tmp_path, fetch)
    with pytest.raises(Cancelled):
        opener.open("htdemucs", "cpu", RecordingControl(cancel_at=2))
    assert opener.open("htdemucs", "cpu", RecordingControl()).name == "htdemucs"


def test_the_last_model_stays_warm(tmp_path: Path) -> None:
    save_htdemucs(tmp_path / "models")
    opener = engines(tmp_path, FakeFetch(tmp_path / "models"))
    first = opener.open("htdemucs", "cpu", RecordingControl())
    opener.open("draft", "cpu", RecordingControl())
    assert opener.open("auto", "cpu", RecordingControl()) is first
    opener.close()
    assert opener.open("htdemucs", "cpu", RecordingControl()) is not first


def test_a_model_that_was_replaced_on_disk_is_reloaded(tmp_path: Path) -> None:
    save_htdemucs(tmp_path / "models").unlink()
    save_model(tmp_path / "models", "955717e8", small_model("waveform", 1))
    opener = engines(tmp_path, FakeFetch(tmp_path / "models"))
    first = opener.open("htdemucs", "cpu", RecordingControl())
    for path in (tmp_path / "models").glob("*.th"):
        path.unlink()
    save_model(tmp_path / "models", "955717e8", small_model("waveform", 2))
    assert opener.open("htdemucs", "cpu", RecordingControl()).identity() != first.identity()


def test_a_single_checkpoint_opens_by_its_signature(tmp_path: Path) -> None:
    save_model(tmp_path / "models", "mine", small_model("waveform"))
    assert engines(tmp_path, FakeFetch(tmp_path / "models")).open("mine", "cpu", RecordingControl()).name == "mine"


def test_a_missing_device_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    save_htdemucs(tmp_path / "models")
    with pytest.raises(EngineFailed, match="no cuda device"):
        engines(tmp_path, FakeFetch(tmp_path / "models")).open("auto", "cuda", RecordingControl())


def test_pull_fetches_once(tmp_path: Path) -> None:
    fetch = FakeFetch(tmp_path / "models")
    opener = engines(tmp_path, fetch)
    for _ in range(2):
        opener.pull("htdemucs", RecordingControl())
    assert fetch.asked == ["htdemucs"]


def test_a_quantised_model_is_not_downloaded_without_diffq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = FakeFetch(tmp_path / "models")
    opener = engines(tmp_path, fetch)
    monkeypatch.setattr(
        "bridge.separation.models.demucs_bags.find_spec", lambda name: None if name == "diffq" else find_spec(name)
    )
    with pytest.raises(WeightsUnavailable, match="diffq"):
        opener.open("mdx_q", "cpu", RecordingControl())
    assert fetch.asked == []
