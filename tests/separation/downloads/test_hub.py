"""Downloads from the hub: resumable, verified, and stored where the hub's own library finds them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.hub_repository import HubPin, HubRepository
from bridge.separation.downloads.transfer import AbandonedError, Transfer
from bridge.separation.families.demucs import repository_name
from bridge.separation.models.demucs_bags import PINS, Released
from tests.support.fakes import RecordingControl
from tests.support.model_server import Server, fetch, locations_of
from tests.support.small_models import ModelFolders

BASE = "/adefossez/HTDemucs/resolve/main"
#: Larger than two of the chunks in which it is read.
WEIGHTS = bytes(range(256)) * 3000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def hub(server: Server) -> Server:
    """A hub with htdemucs. Its weights are not a model: no test here loads them."""
    server.files[f"{BASE}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{BASE}/955717e8.safetensors"] = WEIGHTS
    # a small file's ETag is git's hash of it
    server.etags[f"{BASE}/htdemucs.yaml"] = "7" * 40
    return server


def folder_in(cache: Path) -> Path:
    return HubRepository(repository_name("htdemucs"), cache, "").folder


def blobs(locations: ModelFolders) -> dict[str, int]:
    """The blobs in the hub's cache, except the definition: name → size in bytes."""
    folder = folder_in(locations.hub_cache) / "blobs"
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != "7" * 40}


def weights_sent(server: Server) -> list[tuple[int, int]]:
    return [each for each in server.sent if each != (0, len(b"models: ['955717e8']\n")) and each[1]]


def assert_is_complete(locations: ModelFolders) -> None:
    """Checks that the bridge finds the model, and that the hub's library, which demucs uses, finds it too."""
    found = locations.find("htdemucs")
    assert found is not None
    assert found.files[0].read_bytes() == WEIGHTS
    name, repository = "955717e8.safetensors", "adefossez/HTDemucs"
    assert try_to_load_from_cache(repository, name, cache_dir=locations.hub_cache) == str(found.files[0])
    theirs = hf_hub_download(repository, name, cache_dir=locations.hub_cache, local_files_only=True)
    assert theirs == str(found.files[0])
    assert scan_cache_dir(locations.hub_cache).warnings == []


def assert_no_partial_files(locations: ModelFolders) -> None:
    assert not list(locations.hub_cache.rglob("*incomplete*"))


@pytest.mark.end_to_end
def test_another_process_resumes_a_download_from_the_hub(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.breaks_after = 500_000
    program = (
        "import pathlib, sys\n"
        "from bridge.errors import WeightsUnavailable\n"
        "from tests.support.model_server import Server, fetch, locations_of\n"
        "try:\n"
        "    fetch('htdemucs', locations_of(pathlib.Path(sys.argv[1]), Server(address=sys.argv[2])))\n"
        "except WeightsUnavailable as exc:\n"
        "    print(exc.message)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path), hub.address]
    first = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "connection was lost" in first.stdout
    assert locations.find("htdemucs") is None
    assert blobs(locations) == {f"{SHA256}.bridge.incomplete": 500_000}
    hub.breaks_after = None
    control = RecordingControl()
    fetch("htdemucs", locations, control)
    assert weights_sent(hub) == [(0, 500_000), (500_000, len(WEIGHTS) - 500_000)]
    assert_is_complete(locations)
    assert_no_partial_files(locations)
    assert control.fractions == sorted(control.fractions)


def test_a_lost_connection_is_resumed_at_once(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.breaks_after, hub.breaks = 300_000, 2  # the definition's, which is shorter, and the weights'
    fetch("htdemucs", locations)
    assert weights_sent(hub) == [(0, 300_000), (300_000, len(WEIGHTS) - 300_000)]
    assert_is_complete(locations)


def test_a_server_without_range_support_starts_again(tmp_path: Path, hub: Server) -> None:
    locations, hub.supports_ranges = locations_of(tmp_path, hub), False
    partial = folder_in(locations.hub_cache) / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS[:1000])
    fetch("htdemucs", locations)
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_complete(locations)


def test_a_complete_partial_file_is_only_renamed(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    partial = folder_in(locations.hub_cache) / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS)
    fetch("htdemucs", locations)
    assert weights_sent(hub) == []
    assert_is_complete(locations)


def test_a_damaged_partial_file_is_deleted_and_the_next_try_starts_again(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    partial = folder_in(locations.hub_cache) / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(1000))
    with pytest.raises(WeightsUnavailable, match="was damaged in the download"):
        fetch("htdemucs", locations)
    assert blobs(locations) == {}
    assert locations.find("htdemucs") is None
    fetch("htdemucs", locations)
    assert weights_sent(hub) == [(1000, len(WEIGHTS) - 1000), (0, len(WEIGHTS))]
    assert_is_complete(locations)


def test_a_token_is_sent_to_the_hub_but_not_to_redirect_targets(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    elsewhere = Server(files=hub.files)
    running = elsewhere.run()
    hub.large_files_at = elsewhere.address
    locations = locations_of(tmp_path, hub)
    fetch("htdemucs", locations)
    running.shutdown()
    running.server_close()
    assert_is_complete(locations)
    assert set(hub.authorizations) == {"Bearer hf_secret"}
    assert elsewhere.authorizations == [None]
    assert elsewhere.sent == [(0, len(WEIGHTS))]


def test_without_symlinks_the_file_is_verified_and_stored_once(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: False)
    locations = locations_of(tmp_path, hub)
    fetch("htdemucs", locations)
    assert_is_complete(locations)
    found = locations.find("htdemucs")
    assert found is not None
    assert not found.files[0].is_symlink()
    assert blobs(locations) == {}
    found.files[0].write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch("htdemucs", locations)
    assert locations.find("htdemucs") is None
    fetch("htdemucs", locations)
    assert_is_complete(locations)


def test_a_model_that_is_present_is_not_downloaded_again(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    fetch("htdemucs", locations)
    hub.sent.clear()
    fetch("htdemucs", locations)
    assert hub.sent == []
    assert_is_complete(locations)


def test_cancelling_keeps_the_received_part(tmp_path: Path, hub: Server) -> None:
    locations, transfer = locations_of(tmp_path, hub), StopsAfter(2)
    with pytest.raises(AbandonedError):
        locations.families.sources("htdemucs")[0].download(transfer)
    (kept,) = blobs(locations).values()
    assert 0 < kept < len(WEIGHTS)
    hub.sent.clear()
    fetch("htdemucs", locations)
    assert weights_sent(hub) == [(kept, len(WEIGHTS) - kept)]
    assert_is_complete(locations)


class StopsAfter(Transfer):
    """Is abandoned after `chunks` chunks of a large file."""

    def __init__(self, chunks: int) -> None:
        super().__init__()
        self._left = chunks

    def advance(self, count: int) -> None:
        if count > 1000:
            self._left -= 1
        if self._left < 0:
            self.abandon()
        super().advance(count)


@pytest.mark.parametrize("has_links", [True, False])
def test_two_concurrent_fetches_download_a_model_once(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: has_links)
    locations = locations_of(tmp_path, hub)
    fetching = [threading.Thread(target=fetch, args=("htdemucs", locations)) for _ in range(2)]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join(30)
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_complete(locations)
    assert_no_partial_files(locations)


def test_without_a_checksum_the_library_fetches_it_itself(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub)
    hub.etags[f"{BASE}/955717e8.safetensors"] = "a-mirror-s-own"
    fetch("htdemucs", locations)
    assert_is_complete(locations)


PINNED = "d" * 40


def pinned(content: bytes = WEIGHTS) -> dict[str, HubPin]:
    return {"htdemucs": HubPin(PINNED, {"955717e8.safetensors": hashlib.sha256(content).hexdigest()})}


def test_the_newest_version_is_used_while_it_has_the_pinned_files(tmp_path: Path, hub: Server) -> None:
    locations = locations_of(tmp_path, hub, pinned())
    fetch("htdemucs", locations)
    assert_is_complete(locations)  # other programs find it too
    assert not any(PINNED in request for request in hub.requests)


def test_where_the_newest_version_has_other_files_the_pinned_one_is_used(tmp_path: Path, hub: Server) -> None:
    hub.versions[PINNED] = {f"{BASE}/955717e8.safetensors": WEIGHTS}
    hub.files[f"{BASE}/955717e8.safetensors"] = b"retrained" * 1000
    locations = locations_of(tmp_path, hub, pinned())
    fetch("htdemucs", locations)
    found = locations.find("htdemucs")
    assert found is not None
    assert found.files[0].read_bytes() == WEIGHTS
    assert found.files[0].parent.name == PINNED
    assert b"retrained" not in b"".join(
        path.read_bytes() for path in folder_in(locations.hub_cache).rglob("*.safetensors")
    )


@pytest.mark.parametrize("has_checksum", [True, False])
def test_files_that_are_not_the_pinned_ones_are_refused(tmp_path: Path, hub: Server, has_checksum: bool) -> None:
    if not has_checksum:  # a mirror, which says nothing of what it sends
        hub.etags[f"{BASE}/955717e8.safetensors"] = "a-mirror-s-own"
    locations = locations_of(tmp_path, hub, pinned(b"what the bridge was made for"))
    with pytest.raises(WeightsUnavailable):
        fetch("htdemucs", locations)
    assert locations.find("htdemucs") is None


def test_the_pins_name_every_checkpoint_of_their_models() -> None:
    released = Released.installed()
    assert set(PINS) == {"htdemucs", "htdemucs_ft", "htdemucs_6s"}
    for name, pin in PINS.items():
        bag = released.bag(name)
        assert bag is not None
        assert set(pin.sha256) == {f"{signature}.safetensors" for signature in bag.signatures}
        assert re.fullmatch("[0-9a-f]{40}", pin.revision)
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pin.sha256.values())
