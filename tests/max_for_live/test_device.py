"""The built device over real sockets to a real `sab serve`: from a clip in Live to tracks in Live."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest

from max_for_live.generator.build import build
from tests.support.loopback import free_port
from tests.support.node import Line, RunningDevice, running
from tests.support.programs import Server, serving
from tests.support.sounds import level_dbfs, music, read, write

pytestmark = pytest.mark.end_to_end

TEMPO = 100.0
RATE = 44_100
FOUR = ["Vocals", "Drums", "Bass", "Other"]
#: A clip that slows down: a beat is 0.5 s, from beat 4 on 0.6 s; beat 0 is at 0.25 s.
MARKERS = [
    {"sample_time": 0.25, "beat_time": 0.0},
    {"sample_time": 2.25, "beat_time": 4.0},
    {"sample_time": 4.65, "beat_time": 8.0},
]


@dataclass(frozen=True)
class Set:
    """A saved Live Set with one clip in it."""

    folder: Path
    clip: Path

    @property
    def file(self) -> str:
        return str(self.folder / "My Set.als")

    def stem(self, name: str) -> Path:
        return self.folder / "Samples" / "Processed" / "Stems" / "My Loop" / f"My Loop ({name}).wav"


@pytest.fixture(scope="module")
def device_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as started:
        yield started


@pytest.fixture
def live_set(tmp_path: Path) -> Set:
    return make_set(tmp_path, seconds=5.0)


def make_set(parent: Path, seconds: float) -> Set:
    folder = parent / "My Set Project"
    (folder / "Ableton Project Info").mkdir(parents=True)
    (folder / "Samples" / "Imported").mkdir(parents=True)
    (folder / "My Set.als").write_bytes(b"")
    return Set(folder, write(folder / "Samples" / "Imported" / "My Loop.wav", music(seconds)))


def clips(live_state: Line, place: str) -> dict[str, Line]:
    """The first clip of each new track, by the track's name."""
    return {track["name"]: next(clip for clip in track[place] if clip) for track in live_state["tracks"][1:]}


def part(start: float, stop: float) -> dict[str, float]:
    """The markers and the loop of a clip that plays from `start` to `stop`, in its own unit."""
    return {"start_marker": start, "end_marker": stop, "loop_start": start, "loop_end": stop}


def separate(device: RunningDevice, audio_tracks: int = len(FOUR)) -> Line:
    """Clicks Separate once the bridge is connected; returns the set after the import."""
    device.until("light", 1)
    device.click("separate")
    device.until("result", f"Imported {audio_tracks} audio and 4 MIDI tracks")
    live_state = device.look()
    assert live_state["errors"] == []
    assert live_state["console"] == []
    return live_state


def test_a_session_clip(device_folder: Path, server: Server, live_set: Set) -> None:
    values = {"warping": 0, **part(1.0, 4.0)}
    clip = {"file": str(live_set.clip), "view": "session", "values": values, "markers": None}
    with running(device_folder, server.port, clip, set=live_set.file, tempo=TEMPO) as device:
        live_state = separate(device)

    audio = {name: clip for name, clip in clips(live_state, "session").items() if not name.endswith("MIDI")}
    assert list(audio) == [f"My Loop ({stem})" for stem in FOUR]
    assert [track["session"][1] is not None for track in live_state["tracks"]] == [True] * 9, "in the source's scene"
    assert len({track["color"] for track in live_state["tracks"][1::2]}) == 4
    for stem, found in zip(FOUR, audio.values(), strict=True):
        assert found["file_path"] == str(live_set.stem(stem))
        assert (found["warping"], found["start_marker"], found["end_marker"]) == (0, 0, 3)
    stems = [read(live_set.stem(stem)) for stem in FOUR]
    assert level_dbfs(np.sum(stems, axis=0) - read(live_set.clip)[RATE : 4 * RATE]) <= -80
    assert live_state["tracks"][0]["session"][1]["muted"] == 1

    notes = {name: clip["notes"] for name, clip in clips(live_state, "session").items() if name.endswith("MIDI")}
    for stem in FOUR:
        assert len(notes[f"My Loop ({stem}) MIDI"]) == count_notes(live_set.stem(stem).with_suffix(".mid"))
    clicks = sorted({round(note["start_time"] * 60 / TEMPO, 1) for note in notes["My Loop (Drums) MIDI"]})
    assert set(clicks) >= {0.5, 1.0, 1.5, 2.0, 2.5}, "the clicks of the clip, in seconds"


def test_an_unwarped_clip_is_read_at_its_own_tempo_and_again_at_another(
    device_folder: Path, server: Server, tmp_path: Path
) -> None:
    live_set = make_set(tmp_path, seconds=8.0)
    values = {"start_time": 8.0, "warping": 0, **part(0.0, 8.0)}
    clip = {"file": str(live_set.clip), "view": "arrangement", "values": values, "markers": None}
    with running(device_folder, server.port, clip, set=live_set.file, tempo=TEMPO) as device:
        device.click("own_tempo", 1)
        first = separate(device)
        device.click("read_double")
        device.until("result", "Read again at 240 BPM: 4 MIDI clips")
        again = device.look()

    assert device.faces("tempo")[-2:] == ["120 BPM · half or double?", "240 BPM"]  # even clicks; Live's is 100
    assert [track["name"] for track in again["tracks"]] == [track["name"] for track in first["tracks"]]
    assert again["errors"] == []
    assert played(first) == played(again), "as played, the notes are the same at each tempo"
    for looked in (first, again):
        drums = clips(looked, "arrangement")["My Loop (Drums) MIDI"]
        heard = sorted({round(note["start_time"] * 60 / TEMPO, 1) for note in drums["notes"]})
        assert set(heard) >= {0.5, 1.0, 1.5, 2.0, 2.5}, "the clicks of the clip, in seconds"
    assert sorted(path.name for path in live_set.stem("Drums").parents[1].iterdir()) == ["My Loop", "My Loop 2"]
    assert not list((live_set.stem("Drums").parents[1] / "My Loop 2").glob("*.wav"))


def test_a_warped_arrangement_clip(device_folder: Path, server: Server, live_set: Set) -> None:
    values = {"start_time": 32.0, "warp_mode": 4, **part(1.0, 7.0)}
    clip = {"file": str(live_set.clip), "view": "arrangement", "values": values, "markers": MARKERS}
    with running(device_folder, server.port, clip, set=live_set.file, tempo=TEMPO) as device:
        live_state = separate(device)

    found = clips(live_state, "arrangement")
    assert {clip["start_time"] for clip in found.values()} == {32.0}
    bass = found["My Loop (Bass)"]
    assert (bass["warping"], bass["warp_mode"]) == (1, 4)
    assert [(m["sample_time"], m["beat_time"]) for m in bass["markers"]] == [
        (pytest.approx(seconds), pytest.approx(beat)) for seconds, beat in ((0, 0), (1.5, 3), (3.3, 6))
    ]
    start, end = 0.75, 4.05  # beats 1 and 7
    assert len(read(live_set.stem("Bass"))) == round(end * RATE) - round(start * RATE)
    drums = {round(note["start_time"], 1) for note in found["My Loop (Drums) MIDI"]["notes"]}
    # Clicks at 1.0, 1.5, 2.0 s are 0.5, 1.5, 2.5 beats after beat 1; those at 2.5 … 4.0 s are in the slower part.
    expected = {0.5, 1.5, 2.5, *(round(3 + (click - 2.25) / 0.6, 1) for click in (2.5, 3.0, 3.5, 4.0))}
    # A click is no drum, so the classifier may leave one out.
    assert len(drums) >= len(expected) - 1
    assert all(min(abs(beat - one) for one in expected) <= 0.101 for beat in drums), drums


def test_the_parts_of_the_drums_are_muted_tracks_below_them(device_folder: Path, server: Server, live_set: Set) -> None:
    values = {"start_time": 8.0, "warping": 0, **part(0.0, 5.0)}
    clip = {"file": str(live_set.clip), "view": "arrangement", "values": values, "markers": None}
    with running(device_folder, server.port, clip, set=live_set.file, tempo=TEMPO) as device:
        device.click("kit", 1)
        live_state = separate(device, audio_tracks=9)

    parts = [f"Drums {part}" for part in ("Kick", "Snare", "Toms", "Hats", "Cymbals")]
    names = [track["name"] for track in live_state["tracks"]]
    at = names.index("My Loop (Drums) MIDI") + 1
    assert names[at : at + 5] == [f"My Loop ({part})" for part in parts]
    assert [track["name"] for track in live_state["tracks"] if track["mute"]] == names[at : at + 5]
    total = np.sum([read(live_set.stem(part)) for part in parts], axis=0)
    assert level_dbfs(total - read(live_set.stem("Drums"))) <= -120


def test_streaming_from_a_bridge_without_ports(device_folder: Path, server: Server, live_set: Set) -> None:
    values = {"warping": 0, **part(0.0, 3.0)}
    clip = {"file": str(live_set.clip), "view": "session", "values": values, "markers": None}
    ports = [f"SAB {stem}" for stem in FOUR]
    with running(device_folder, server.port, clip, set=live_set.file, tempo=TEMPO, ports=ports) as device:
        separate(device)
        device.click("stream")
        device.until("stage", "Recording")
        device.until("problem", "MIDI is switched off")
        assert device.look()["errors"] == []


def test_an_unsaved_set(device_folder: Path, server: Server, live_set: Set) -> None:
    clip = {"file": str(live_set.clip), "view": "session", "values": {}, "markers": MARKERS}
    with running(device_folder, server.port, clip, set="", tempo=TEMPO) as device:
        device.until("light", 1)
        device.click("separate")
        device.until("problem", "Save the Live Set first")
        assert len(device.look()["tracks"]) == 1
    assert not (live_set.folder / "Samples" / "Processed").exists()


def test_a_bridge_that_is_not_running(device_folder: Path, tmp_path: Path, live_set: Set) -> None:
    port = free_port()
    clip = {"file": str(live_set.clip), "view": "session", "values": {}, "markers": MARKERS}
    with running(device_folder, port, clip, set=live_set.file, tempo=TEMPO) as device:
        device.until("server", "No bridge")
        device.click("separate")
        device.until("problem", "There is no bridge to send the clip to")
        with serving(tmp_path, "--engine", "draft", "--no-midi", port=port):
            separate(device)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["is closed", "dies"])
def test_a_bridge_that_ends_during_a_job_and_is_restarted(
    device_folder: Path, tmp_path: Path, end: signal.Signals
) -> None:
    live_set = make_set(tmp_path, seconds=15.0)
    state = tmp_path / "state"
    state.mkdir()
    port = free_port()
    clip = {"file": str(live_set.clip), "view": "session", "values": {}, "markers": MARKERS}
    with running(device_folder, port, clip, set=live_set.file, tempo=TEMPO) as device:
        dies = end is signal.SIGKILL
        with serving(state, "--engine", "draft", "--no-midi", port=port, dies=dies) as first:
            device.until("light", 1)
            device.click("separate")
            device.until("stage", "Separating")
            first.process.send_signal(end)
            first.process.wait(30)
        device.until("problem", "The bridge has gone in the middle of a job")
        with serving(state, "--engine", "draft", "--no-midi", port=port):
            device.until("result", "Imported 4 audio and 4 MIDI tracks")
        assert not any("sent again" in str(line) for line in device.received)  # the job itself went on
        live_state = device.look()
    assert len(live_state["tracks"]) == 9
    assert live_state["errors"] == []


def played(live_state: Line) -> list[list[Line]]:
    """The notes of the clips of the Arrangement, without Live's ids."""
    found = [clip["notes"] or [] for clip in clips(live_state, "arrangement").values() if "notes" in clip]
    return [[{name: value for name, value in note.items() if name != "note_id"} for note in notes] for notes in found]


def count_notes(midi_file: Path) -> int:
    return sum(message.type == "note_on" and message.velocity > 0 for message in mido.MidiFile(midi_file))
