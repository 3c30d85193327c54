"""Downloads from the hub: they go on where they broke off, are verified, and lie where its own library looks."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.hub import from_hub
from bridge.separation.downloads.transfer import AbandonedError, Transfer
from bridge.separation.models.locations import ModelLocations
from tests.support.fakes import RecordingControl
from tests.support.model_server import Server, fetcher, locations_of

BASE = "/adefossez/HTDemucs/resolve/main"
#: Larger than two of the pieces in which it is read.
WEIGHTS = bytes(range(256)) * 3000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def hub(server: Server) -> Server:
    """The hub with htdemucs, whose weights are no model: nothing here loads them."""
    server.files[f"{BASE}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{BASE}/955717e8.safetensors"] = WEIGHTS
    # a small file's ETag is git's hash of it
    server.etags[f"{BASE}/htdemucs.yaml"] = "7" * 40
    return server


def blobs(locations: ModelLocations) -> dict[str, int]:
    """What lies beside the definition in the cache of the hub: name → bytes."""
    folder = locations.hub_folder("htdemucs") / "blobs"
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != "7" * 40}


def weights_sent(server: Server) -> list[tuple[int, int]]:
    return [each for each in server.sent if each != (0, len(b"models: ['955717e8']\n")) and each[1]]


def assert_is_there(locations: ModelLocations) -> None:
    """For the bridge, and for the hub's own library, which demucs asks."""
    found = locations.find("htdemucs")
    assert found is not None
    assert found.files[0].read_bytes() == WEIGHTS
    name, repository = "955717e8.safetensors", "adefossez/HTDemucs"
    assert try_to_load_from_cache(repository, name, cache_dir=locations.hub_cache) == str(found.files[0])
    theirs = hf_hub_download(repository, name, cache_dir=locations.hub_cache, local_files_only=True)
    assert theirs == str(found.files[0])
    assert scan_cache_dir(locations.hub_cache).warnings == []


def assert_has_no_rests(locations: ModelLocations) -> None:
    assert not list(locations.hub_cache.rglob("*incomplete*"))


@pytest.mark.end_to_end
def test_another_process_goes_on_with_the_hub_s_file_where_it_was(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.breaks_after = 500_000
    program = (
        "import pathlib, sys\n"
        "from bridge.errors import WeightsUnavailable\n"
        "from bridge.separation.models.demucs_bags import Released\n"
        "from bridge.separation.downloads.fetch import Fetcher\n"
        "from bridge.separation.models.locations import ModelLocations\n"
        "from tests.support.fakes import RecordingControl\n"
        "folders, address = [pathlib.Path(text) for text in sys.argv[1:4]], sys.argv[4]\n"
        "locations = ModelLocations(*folders, Released(Released.installed().folder, f'{address}/'))\n"
        "try:\n"
        "    Fetcher(environ={'HF_ENDPOINT': address}).fetch('htdemucs', locations, RecordingControl())\n"
        "except WeightsUnavailable as exc:\n"
        "    print(exc.message)\n"
    )
    folders = [str(folder) for folder in (locations.models_dir, locations.hub_cache, locations.server_cache)]
    arguments = [sys.executable, "-c", program, *folders, hub.address]
    first = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "broke off" in first.stdout
    assert locations.find("htdemucs") is None
    assert blobs(locations) == {f"{SHA256}.bridge.incomplete": 500_000}
    hub.breaks_after = None
    control = RecordingControl()
    fetcher(hub).fetch("htdemucs", locations, control)
    assert weights_sent(hub) == [(0, 500_000), (500_000, len(WEIGHTS) - 500_000)]
    assert_is_there(locations)
    assert_has_no_rests(locations)
    assert control.fractions == sorted(control.fractions)


def test_a_connection_that_breaks_off_is_taken_up_again_at_once(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.breaks_after, hub.breaks = 300_000, 2  # the definition's, which is shorter, and the weights'
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert weights_sent(hub) == [(0, 300_000), (300_000, len(WEIGHTS) - 300_000)]
    assert_is_there(locations)


def test_a_server_that_knows_no_ranges_begins_anew(tmp_path: Path, hub: Server) -> None:
    locations, hub.knows_ranges = locations_of(tmp_path, hub), False
    partial = locations.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS[:1000])
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_there(locations)


def test_what_had_come_whole_needs_its_name_only(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    partial = locations.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS)
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert weights_sent(hub) == []
    assert_is_there(locations)


def test_a_part_that_is_damaged_is_removed_and_told_and_the_next_try_begins_anew(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    partial = locations.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(1000))
    with pytest.raises(WeightsUnavailable, match="arrived damaged"):
        fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert blobs(locations) == {}
    assert locations.find("htdemucs") is None
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert weights_sent(hub) == [(1000, len(WEIGHTS) - 1000), (0, len(WEIGHTS))]
    assert_is_there(locations)


def test_a_secret_goes_to_the_hub_and_not_to_where_it_points(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    elsewhere = Server(files=hub.files)
    running = elsewhere.run()
    hub.large_files_at = elsewhere.address
    locations = locations_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    running.shutdown()
    running.server_close()
    assert_is_there(locations)
    assert set(hub.secrets) == {"Bearer hf_secret"}
    assert elsewhere.secrets == [None]
    assert elsewhere.sent == [(0, len(WEIGHTS))]


def test_where_links_are_impossible_the_file_is_verified_and_lies_there_once(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: False)
    locations = locations_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert_is_there(locations)
    found = locations.find("htdemucs")
    assert found is not None
    assert not found.files[0].is_symlink()
    assert blobs(locations) == {}
    found.files[0].write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert locations.find("htdemucs") is None
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert_is_there(locations)


def test_a_model_that_is_here_is_not_downloaded_again(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    hub.sent.clear()
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert hub.sent == []
    assert_is_there(locations)


def test_cancelling_keeps_what_has_come(tmp_path: Path, hub: Server) -> None:
    locations, transfer = locations_of(tmp_path, hub), StopsAfter(2)
    with pytest.raises(AbandonedError):
        from_hub("htdemucs", locations, hub.address, transfer)
    (kept,) = blobs(locations).values()
    assert 0 < kept < len(WEIGHTS)
    hub.sent.clear()
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert weights_sent(hub) == [(kept, len(WEIGHTS) - kept)]
    assert_is_there(locations)


class StopsAfter(Transfer):
    """Is abandoned once so many pieces of a large file have come in."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self._left = pieces

    def advance(self, count: int) -> None:
        if count > 1000:
            self._left -= 1
        if self._left < 0:
            self.abandon()
        super().advance(count)


@pytest.mark.parametrize("has_links", [True, False])
def test_two_that_fetch_the_same_model_download_it_once(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: has_links)
    locations = locations_of(tmp_path, hub)
    fetching = [
        threading.Thread(target=fetcher(hub).fetch, args=("htdemucs", locations, RecordingControl())) for _ in range(2)
    ]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join(30)
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_there(locations)
    assert_has_no_rests(locations)


def test_without_a_checksum_the_library_fetches_it_itself(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.etags[f"{BASE}/955717e8.safetensors"] = "a-mirror-s-own"
    fetcher(hub).fetch("htdemucs", locations, RecordingControl())
    assert_is_there(locations)
