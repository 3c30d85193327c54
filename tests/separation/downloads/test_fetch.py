"""Downloads from loopback servers that answer like the real ones."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import Cancelled, WeightsUnavailable
from bridge.separation.downloads.fetch import Fetcher
from bridge.separation.downloads.source import DownloadSource
from bridge.separation.downloads.transfer import Transfer, wait_for
from bridge.separation.models.demucs_bags import Released
from bridge.separation.models.loading import load_bag
from bridge.system.clock import SystemClock
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.model_server import Server, fetch, locations_of
from tests.support.small_models import ModelFolders, locations_in, save_model, save_safetensors, small_model


def with_authors_server(locations: ModelFolders, server: Server, table: Path, checkpoint: str) -> ModelFolders:
    """Locations whose table of released models lists one checkpoint on `server`."""
    table.mkdir()
    (table / "htdemucs.yaml").write_text("models: ['955717e8']", encoding="utf-8")
    (table / "files.txt").write_text(f"# a table\nroot: models/\n{checkpoint}\n", encoding="utf-8")
    return replace(locations, hub_url=server.address, released=Released(table, f"{server.address}/"))


def sources_in(folder: Path) -> Sequence[DownloadSource]:
    return locations_in(folder).families.sources("htdemucs")


def test_a_model_is_downloaded_from_the_hub_into_its_cache(tmp_path: Path, server: Server) -> None:
    locations = locations_of(tmp_path, server)
    model = save_safetensors(tmp_path / "955717e8.safetensors", small_model("waveform"))
    base = "/adefossez/HTDemucs/resolve/main"
    server.files[f"{base}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{base}/955717e8.safetensors"] = model.read_bytes()
    control = RecordingControl()
    fetch("htdemucs", locations, control)
    found = locations.find("htdemucs")
    assert found is not None
    assert found.files[0].is_relative_to(locations.hub_cache)
    assert load_bag(found, RecordingControl()).samplerate == 8000
    assert control.fractions == sorted(control.fractions)


def test_a_model_missing_from_the_hub_comes_from_the_authors_server(tmp_path: Path, server: Server) -> None:
    checkpoint = save_model(tmp_path, "955717e8", small_model("waveform"))
    locations = with_authors_server(locations_in(tmp_path), server, tmp_path / "table", checkpoint.name)
    server.files[f"/models/{checkpoint.name}"] = checkpoint.read_bytes()
    fetch("htdemucs", locations)
    assert [path.name for path in locations.server_cache.iterdir()] == [checkpoint.name]
    assert locations.find("htdemucs") is not None


def test_a_damaged_download_is_deleted(tmp_path: Path, server: Server) -> None:
    locations = with_authors_server(locations_in(tmp_path), server, tmp_path / "table", "955717e8-00000000.th")
    server.files["/models/955717e8-00000000.th"] = b"something else"
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch("htdemucs", locations)
    assert list(locations.server_cache.iterdir()) == []


def test_a_damaged_download_from_the_hub_is_deleted(tmp_path: Path, server: Server) -> None:
    locations = locations_of(tmp_path, server)
    base = "/adefossez/HTDemucs/resolve/main"
    server.files[f"{base}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{base}/955717e8.safetensors"] = b"something else"
    server.etags[f"{base}/955717e8.safetensors"] = "a" * 64
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch("htdemucs", locations)
    assert locations.find("htdemucs") is None
    assert "a" * 64 not in {path.name for path in locations.hub_cache.rglob("*")}


def test_an_interrupted_download_is_resumed(tmp_path: Path, server: Server) -> None:
    checkpoint = save_model(tmp_path, "955717e8", small_model("waveform"))
    locations = with_authors_server(locations_in(tmp_path), server, tmp_path / "table", checkpoint.name)
    server.files[f"/models/{checkpoint.name}"] = checkpoint.read_bytes()
    server.breaks_after = 1000
    with pytest.raises(WeightsUnavailable, match=r"IncompleteRead|connection was lost"):
        fetch("htdemucs", locations)
    assert locations.find("htdemucs") is None
    server.breaks_after = None
    fetch("htdemucs", locations)
    size = checkpoint.stat().st_size
    assert [each for each in server.sent if each[1]] == [(0, 1000), (1000, size - 1000)]
    assert (locations.server_cache / checkpoint.name).read_bytes() == checkpoint.read_bytes()
    assert [path.name for path in locations.server_cache.iterdir()] == [checkpoint.name]


def test_no_server_is_contacted_in_offline_mode(tmp_path: Path, server: Server) -> None:
    offline = Fetcher(environ={"HF_HUB_OFFLINE": "1"})
    with pytest.raises(WeightsUnavailable, match="HF_HUB_OFFLINE"):
        offline.fetch("htdemucs", locations_of(tmp_path, server).families.sources("htdemucs"), RecordingControl())
    assert server.requests == []


def test_an_unreachable_network_gives_a_one_line_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def unreachable(_url: str, _seconds: float) -> None:
        raise OSError("Network is unreachable")

    with pytest.raises(WeightsUnavailable) as caught, caplog.at_level("INFO"):
        Fetcher(probe=unreachable).fetch("htdemucs", sources_in(tmp_path), RecordingControl())
    assert "cannot be reached" in str(caught.value)
    assert "Network is unreachable" in caplog.text
    assert "sab models pull htdemucs" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dropped_packets_fail_within_the_probe_timeout(tmp_path: Path) -> None:
    never = threading.Event()

    def hang(_url: str, _seconds: float) -> None:
        never.wait(60)

    clock = SystemClock()
    before = clock.monotonic_seconds()
    with pytest.raises(WeightsUnavailable, match="does not answer"):
        Fetcher(probe=hang, probe_seconds=0.2).fetch("htdemucs", sources_in(tmp_path), RecordingControl())
    never.set()
    assert clock.monotonic_seconds() - before < 5


def test_cancelling_works_while_no_data_arrives() -> None:
    never = threading.Event()
    with pytest.raises(Cancelled):
        wait_for(
            lambda _: never.wait(60),
            RecordingControl(cancel_at=2),
            FakeClock(),
            patience_seconds=60,
            source="The server",
        )
    never.set()


def test_a_cancelled_download_ends_with_the_next_chunk() -> None:
    ended, go_on = threading.Event(), threading.Event()

    def download(transfer: Transfer) -> None:
        try:
            go_on.wait(60)
            transfer.advance(1)
        finally:
            ended.set()

    with pytest.raises(Cancelled):
        wait_for(download, RecordingControl(cancel_at=0), FakeClock(), patience_seconds=60, source="The server")
    go_on.set()
    assert ended.wait(10)


def test_progress_of_the_download_is_reported() -> None:
    control = RecordingControl()

    def download(transfer: Transfer) -> str:
        transfer.advance(10)
        transfer.fraction = 1.0
        return "done"

    assert wait_for(download, control, FakeClock(), patience_seconds=60, source="The server") == "done"
    assert control.fractions[-1] == 1.0
