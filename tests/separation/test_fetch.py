"""Downloads from servers on the loopback that answer as the real ones do."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import close_session, hf_hub_download, scan_cache_dir, try_to_load_from_cache

from bridge.clock import SystemClock
from bridge.errors import Cancelled, WeightsUnavailable
from bridge.separation.bags import Released
from bridge.separation.fetch import Fetcher
from bridge.separation.hub import from_hub
from bridge.separation.loading import load_bag
from bridge.separation.transfer import AbandonedError, Transfer, wait_for
from bridge.separation.weights import Places
from tests.fakes import FakeClock, RecordingControl
from tests.separation.small_models import places_in, save_model, save_safetensors, small_model

COMMIT = "c" * 40


@dataclass
class Server:
    """Serves `files` (path → bytes) with the headers of the hub; notes what was asked for and sent."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[int, int]] = field(default_factory=list)
    """Of each body: its first byte in the file, and how many bytes went out."""
    breaks_after: int | None = None
    """Connections end at this byte of a file, until a client comes back for the rest that often."""
    breaks: int = 1_000_000
    knows_ranges: bool = True
    large_files_at: str = ""
    """Another server's address, to which the hub sends clients for safetensors."""
    secrets: list[str | None] = field(default_factory=list)
    """The `Authorization` of each GET."""
    address: str = ""

    def run(self) -> ThreadingHTTPServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                if with_body:
                    outer.secrets.append(self.headers.get("Authorization"))
                path = self.path.replace(f"/resolve/{COMMIT}/", "/resolve/main/")
                content = outer.files.get(path)
                etag = outer.etags.get(path) or hashlib.sha256(content or b"").hexdigest()
                if content and outer.large_files_at and path.endswith(".safetensors"):
                    self.redirect(f"{outer.large_files_at}{path}", etag, len(content))
                    return
                asked = self.headers.get("Range") if with_body and outer.knows_ranges else None
                first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
                is_beyond = bool(content) and first >= len(content or b"")
                self.send_response(404 if content is None else 416 if is_beyond else 206 if first else 200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{etag}"')
                body = b"" if is_beyond else (content or b"")[first:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body and content and not is_beyond:
                    if outer.breaks_after is not None and outer.breaks:
                        outer.breaks -= 1
                        body = content[first : outer.breaks_after]
                    self.wfile.write(body)
                    outer.sent.append((first, len(body)))

            def redirect(self, target: str, etag: str, size: int) -> None:
                self.send_response(302)
                self.send_header("Location", target)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("X-Linked-Etag", f'"{etag}"')
                self.send_header("X-Linked-Size", str(size))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Server()
    running = served.run()
    yield served
    close_session()  # the hub's client keeps its connections open for the next download
    running.shutdown()
    running.server_close()


def fetcher(server: Server) -> Fetcher:
    return Fetcher(environ={"HF_ENDPOINT": server.address}, probe_seconds=2.0, stall_seconds=10.0)


def places_of(folder: Path, server: Server) -> Places:
    """Places whose models come from nowhere but `server`, which is also that of the authors."""
    places = places_in(folder)
    return replace(places, released=Released(places.released.folder, f"{server.address}/"))


def old_server(places: Places, server: Server, table: Path, checkpoint: str) -> Places:
    """Places whose released table names one checkpoint on `server`."""
    table.mkdir()
    (table / "htdemucs.yaml").write_text("models: ['955717e8']", encoding="utf-8")
    (table / "files.txt").write_text(f"# a table\nroot: models/\n{checkpoint}\n", encoding="utf-8")
    return replace(places, released=Released(table, f"{server.address}/"))


def test_a_model_comes_from_the_hub_into_its_cache(tmp_path: Path, server: Server) -> None:
    places = places_of(tmp_path, server)
    model = save_safetensors(tmp_path / "955717e8.safetensors", small_model("waveform"))
    base = "/adefossez/HTDemucs/resolve/main"
    server.files[f"{base}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{base}/955717e8.safetensors"] = model.read_bytes()
    control = RecordingControl()
    fetcher(server).fetch("htdemucs", places, control)
    found = places.find("htdemucs")
    assert found is not None
    assert found.files[0].is_relative_to(places.hub_cache)
    assert load_bag(found, RecordingControl()).samplerate == 8000
    assert control.fractions == sorted(control.fractions)


def test_what_the_hub_lacks_comes_from_the_old_server(tmp_path: Path, server: Server) -> None:
    checkpoint = save_model(tmp_path, "955717e8", small_model("waveform"))
    places = old_server(places_in(tmp_path), server, tmp_path / "table", checkpoint.name)
    server.files[f"/models/{checkpoint.name}"] = checkpoint.read_bytes()
    fetcher(server).fetch("htdemucs", places, RecordingControl())
    assert [path.name for path in places.server_cache.iterdir()] == [checkpoint.name]
    assert places.find("htdemucs") is not None


def test_a_file_that_arrives_damaged_is_not_kept(tmp_path: Path, server: Server) -> None:
    places = old_server(places_in(tmp_path), server, tmp_path / "table", "955717e8-00000000.th")
    server.files["/models/955717e8-00000000.th"] = b"something else"
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetcher(server).fetch("htdemucs", places, RecordingControl())
    assert list(places.server_cache.iterdir()) == []


def test_what_the_hub_sends_damaged_is_not_kept(tmp_path: Path, server: Server) -> None:
    places = places_of(tmp_path, server)
    base = "/adefossez/HTDemucs/resolve/main"
    server.files[f"{base}/htdemucs.yaml"] = b"models: ['955717e8']\n"
    server.files[f"{base}/955717e8.safetensors"] = b"something else"
    server.etags[f"{base}/955717e8.safetensors"] = "a" * 64
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetcher(server).fetch("htdemucs", places, RecordingControl())
    assert places.find("htdemucs") is None
    assert "a" * 64 not in {path.name for path in places.hub_cache.rglob("*")}


def test_a_broken_download_goes_on_where_it_was(tmp_path: Path, server: Server) -> None:
    checkpoint = save_model(tmp_path, "955717e8", small_model("waveform"))
    places = old_server(places_in(tmp_path), server, tmp_path / "table", checkpoint.name)
    server.files[f"/models/{checkpoint.name}"] = checkpoint.read_bytes()
    server.breaks_after = 1000
    with pytest.raises(WeightsUnavailable, match=r"IncompleteRead|broke off"):
        fetcher(server).fetch("htdemucs", places, RecordingControl())
    assert places.find("htdemucs") is None
    server.breaks_after = None
    fetcher(server).fetch("htdemucs", places, RecordingControl())
    size = checkpoint.stat().st_size
    assert [each for each in server.sent if each[1]] == [(0, 1000), (1000, size - 1000)]
    assert (places.server_cache / checkpoint.name).read_bytes() == checkpoint.read_bytes()
    assert [path.name for path in places.server_cache.iterdir()] == [checkpoint.name]


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


def blobs(places: Places) -> dict[str, int]:
    """What lies beside the definition in the cache of the hub: name → bytes."""
    folder = places.hub_folder("htdemucs") / "blobs"
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != "7" * 40}


def weights_sent(server: Server) -> list[tuple[int, int]]:
    return [each for each in server.sent if each != (0, len(b"models: ['955717e8']\n")) and each[1]]


def assert_is_there(places: Places) -> None:
    """For the bridge, and for the hub's own library, which demucs asks."""
    found = places.find("htdemucs")
    assert found is not None
    assert found.files[0].read_bytes() == WEIGHTS
    name, repository = "955717e8.safetensors", "adefossez/HTDemucs"
    assert try_to_load_from_cache(repository, name, cache_dir=places.hub_cache) == str(found.files[0])
    theirs = hf_hub_download(repository, name, cache_dir=places.hub_cache, local_files_only=True)
    assert theirs == str(found.files[0])
    assert scan_cache_dir(places.hub_cache).warnings == []


def assert_has_no_rests(places: Places) -> None:
    assert not list(places.hub_cache.rglob("*incomplete*"))


@pytest.mark.end_to_end
def test_another_process_goes_on_with_the_hub_s_file_where_it_was(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    hub.breaks_after = 500_000
    program = (
        "import pathlib, sys\n"
        "from bridge.errors import WeightsUnavailable\n"
        "from bridge.separation.bags import Released\n"
        "from bridge.separation.fetch import Fetcher\n"
        "from bridge.separation.weights import Places\n"
        "from tests.fakes import RecordingControl\n"
        "folders, address = [pathlib.Path(text) for text in sys.argv[1:4]], sys.argv[4]\n"
        "places = Places(*folders, Released(Released.installed().folder, f'{address}/'))\n"
        "try:\n"
        "    Fetcher(environ={'HF_ENDPOINT': address}).fetch('htdemucs', places, RecordingControl())\n"
        "except WeightsUnavailable as exc:\n"
        "    print(exc.message)\n"
    )
    folders = [str(folder) for folder in (places.models_dir, places.hub_cache, places.server_cache)]
    arguments = [sys.executable, "-c", program, *folders, hub.address]
    first = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "broke off" in first.stdout
    assert places.find("htdemucs") is None
    assert blobs(places) == {f"{SHA256}.bridge.incomplete": 500_000}
    hub.breaks_after = None
    control = RecordingControl()
    fetcher(hub).fetch("htdemucs", places, control)
    assert weights_sent(hub) == [(0, 500_000), (500_000, len(WEIGHTS) - 500_000)]
    assert_is_there(places)
    assert_has_no_rests(places)
    assert control.fractions == sorted(control.fractions)


def test_a_connection_that_breaks_off_is_taken_up_again_at_once(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    hub.breaks_after, hub.breaks = 300_000, 2  # the definition's, which is shorter, and the weights'
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert weights_sent(hub) == [(0, 300_000), (300_000, len(WEIGHTS) - 300_000)]
    assert_is_there(places)


def test_a_server_that_knows_no_ranges_begins_anew(tmp_path: Path, hub: Server) -> None:
    places, hub.knows_ranges = places_of(tmp_path, hub), False
    partial = places.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS[:1000])
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_there(places)


def test_what_had_come_whole_needs_its_name_only(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    partial = places.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WEIGHTS)
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert weights_sent(hub) == []
    assert_is_there(places)


def test_a_part_that_is_damaged_is_removed_and_told_and_the_next_try_begins_anew(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    partial = places.hub_folder("htdemucs") / "blobs" / f"{SHA256}.bridge.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(1000))
    with pytest.raises(WeightsUnavailable, match="arrived damaged"):
        fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert blobs(places) == {}
    assert places.find("htdemucs") is None
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert weights_sent(hub) == [(1000, len(WEIGHTS) - 1000), (0, len(WEIGHTS))]
    assert_is_there(places)


def test_a_secret_goes_to_the_hub_and_not_to_where_it_points(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    elsewhere = Server(files=hub.files)
    running = elsewhere.run()
    hub.large_files_at = elsewhere.address
    places = places_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    running.shutdown()
    running.server_close()
    assert_is_there(places)
    assert set(hub.secrets) == {"Bearer hf_secret"}
    assert elsewhere.secrets == [None]
    assert elsewhere.sent == [(0, len(WEIGHTS))]


def test_where_links_are_impossible_the_file_is_verified_and_lies_there_once(
    tmp_path: Path, hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: False)
    places = places_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert_is_there(places)
    found = places.find("htdemucs")
    assert found is not None
    assert not found.files[0].is_symlink()
    assert blobs(places) == {}
    found.files[0].write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert places.find("htdemucs") is None
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert_is_there(places)


def test_a_model_that_is_here_is_not_downloaded_again(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    hub.sent.clear()
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert hub.sent == []
    assert_is_there(places)


def test_cancelling_keeps_what_has_come(tmp_path: Path, hub: Server) -> None:
    places, transfer = places_of(tmp_path, hub), StopsAfter(2)
    with pytest.raises(AbandonedError):
        from_hub("htdemucs", places, hub.address, transfer)
    (kept,) = blobs(places).values()
    assert 0 < kept < len(WEIGHTS)
    hub.sent.clear()
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert weights_sent(hub) == [(kept, len(WEIGHTS) - kept)]
    assert_is_there(places)


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
    places = places_of(tmp_path, hub)
    fetching = [
        threading.Thread(target=fetcher(hub).fetch, args=("htdemucs", places, RecordingControl())) for _ in range(2)
    ]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join(30)
    assert weights_sent(hub) == [(0, len(WEIGHTS))]
    assert_is_there(places)
    assert_has_no_rests(places)


def test_without_a_checksum_the_library_fetches_it_itself(tmp_path: Path, hub: Server) -> None:
    places = places_of(tmp_path, hub)
    hub.etags[f"{BASE}/955717e8.safetensors"] = "a-mirror-s-own"
    fetcher(hub).fetch("htdemucs", places, RecordingControl())
    assert_is_there(places)


def test_nobody_is_asked_when_the_hub_is_to_be_offline(tmp_path: Path, server: Server) -> None:
    offline = Fetcher(environ={"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": server.address})
    with pytest.raises(WeightsUnavailable, match="HF_HUB_OFFLINE"):
        offline.fetch("htdemucs", places_in(tmp_path), RecordingControl())
    assert server.asked == []


def test_an_unreachable_network_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def unreachable(_url: str, _seconds: float) -> None:
        raise OSError("Network is unreachable")

    with pytest.raises(WeightsUnavailable) as caught, caplog.at_level("INFO"):
        Fetcher(probe=unreachable).fetch("htdemucs", places_in(tmp_path), RecordingControl())
    assert "cannot be reached" in str(caught.value)
    assert "Network is unreachable" in caplog.text
    assert "sab models pull htdemucs" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_packets_that_vanish_cost_no_more_than_the_probe_may_take(tmp_path: Path) -> None:
    never = threading.Event()

    def hang(_url: str, _seconds: float) -> None:
        never.wait(60)

    clock = SystemClock()
    before = clock.monotonic_seconds()
    with pytest.raises(WeightsUnavailable, match="does not answer"):
        Fetcher(probe=hang, probe_seconds=0.2).fetch("htdemucs", places_in(tmp_path), RecordingControl())
    never.set()
    assert clock.monotonic_seconds() - before < 5


def test_cancelling_acts_while_nothing_comes_in() -> None:
    never = threading.Event()
    with pytest.raises(Cancelled):
        wait_for(
            lambda _: never.wait(60),
            RecordingControl(cancel_at=2),
            FakeClock(),
            patience_seconds=60,
            what="The server",
        )
    never.set()


def test_a_cancelled_download_ends_with_the_next_piece() -> None:
    ended, go_on = threading.Event(), threading.Event()

    def download(transfer: Transfer) -> None:
        try:
            go_on.wait(60)
            transfer.advance(1)
        finally:
            ended.set()

    with pytest.raises(Cancelled):
        wait_for(download, RecordingControl(cancel_at=0), FakeClock(), patience_seconds=60, what="The server")
    go_on.set()
    assert ended.wait(10)


def test_progress_is_what_the_download_tells() -> None:
    control = RecordingControl()

    def download(transfer: Transfer) -> str:
        transfer.advance(10)
        transfer.fraction = 1.0
        return "done"

    assert wait_for(download, control, FakeClock(), patience_seconds=60, what="The server") == "done"
    assert control.fractions[-1] == 1.0
