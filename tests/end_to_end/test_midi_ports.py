"""The MIDI ports without a back-end and on a real JACK server, and their calibration."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bridge.errors import EngineFailed
from bridge.midi.calibration import CLICKS, clicks
from bridge.model import Note
from bridge.osc.client import open_client
from bridge.smf.writing import midi_file
from tests.support.jack_server import JackServer, MidiReader, jack_server
from tests.support.programs import sab, serving

__all__ = ["jack_server"]

pytestmark = pytest.mark.end_to_end

HAS_ALSA = Path("/dev/snd/seq").exists()


@pytest.mark.skipif(HAS_ALSA, reason="this machine has ALSA's sequencer")
async def test_without_a_back_end_everything_but_playing_works(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nowhere")
    with serving(tmp_path, "--engine", "draft") as server:
        async with open_client(server.host, server.port) as client:
            await client.ask("/sab/subscribe", 1)
            (accepted,) = await client.ask("/sab/submit", str(clip), "play", 1)
            job = str(accepted.arguments[1])
            files: list[Path] = []
            while True:
                push = await asyncio.wait_for(client.next_push(), 60)
                if push.address == "/sab/result" and push.arguments[0] == job:
                    files.append(Path(str(push.arguments[3])))
                if push.address == "/sab/finished":
                    break
            assert push.arguments[:2] == (job, "done")
            assert len(files) == 9 and all(file.is_file() for file in files)
            with pytest.raises(EngineFailed, match=r"No MIDI back-end answers.*JACK server"):  # code engine_failed
                await client.ask("/sab/play", job)
            (status,) = await client.ask("/sab/status")
            assert status.arguments[4] == "none"
        log = (tmp_path / "server.log").read_text()
        assert "MIDI: No MIDI back-end answers" in log
        assert "Not played: No MIDI back-end answers" in log


@pytest.mark.skipif(HAS_ALSA, reason="this machine has ALSA's sequencer")
def test_without_a_back_end_sab_ports_gives_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nowhere")
    done = sab("ports", "--state-dir", tmp_path)
    assert done.returncode == 0
    assert "JACK: does not answer" in done.stdout and "Start a JACK server" in done.stdout
    monkeypatch.setenv("SAB_MIDI_BACKEND", "alsa")
    assert "alsa, which midi_backend asks for, does not answer" in sab("ports", "--state-dir", tmp_path).stdout


@pytest.mark.jack
async def test_the_ports_of_a_running_bridge_are_listed_and_not_opened_twice(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**jack_server.environment, "SAB_MIDI_PORTS": "one", "SAB_MIDI_NAMES": "Bridge {stem}"}.items():
        monkeypatch.setenv(name, value)
    with MidiReader(jack_server) as reader:
        before = json.loads(sab("ports", "--json", "--port", "0", "--state-dir", tmp_path).stdout)
        assert (before["is_running"], before["backends"]["jack"]) == (False, True)
        assert before["full_names"] == {"Bridge Stems": "Source Audio Bridge:Bridge Stems"}
        with serving(tmp_path, "--engine", "draft") as server:
            assert reader.wait(lambda _: "Source Audio Bridge:Bridge Stems" in reader.ports())
            ports = sab("ports", "--port", str(server.port), "--state-dir", tmp_path).stdout
            assert "A bridge runs and has them open" in ports
            assert "the notes of drums, channel 10" in ports
            assert [name for name in reader.ports() if "Stems" in name] == ["Source Audio Bridge:Bridge Stems"]
            refused = sab("calibrate", "--play", "--port", str(server.port), "--state-dir", tmp_path)
            assert refused.returncode != 0
            assert "A bridge runs and has the ports" in refused.stderr


def test_an_offset_is_measured_shown_stored_and_reset(tmp_path: Path) -> None:
    take, state = tmp_path / "take.mid", ["--state-dir", str(tmp_path / "state")]
    late = [
        Note(onset_seconds=n.onset_seconds + 2.005, offset_seconds=n.offset_seconds + 2.005, pitch=n.pitch, velocity=90)
        for n in clicks(120)
    ]
    take.write_bytes(midi_file({"vocals": late}, seconds=12, tempo_bpm=120))
    tried = sab("calibrate", take, "--dry-run", *state)
    assert tried.returncode == 0, tried.stderr
    assert f"{CLICKS} of {CLICKS} clicks" in tried.stdout and "Nothing was written" in tried.stdout
    assert not (tmp_path / "state").exists()
    assert sab("calibrate", take, *state).returncode == 0
    (offset,) = json.loads((tmp_path / "state" / "midi-offsets.json").read_text()).items()
    assert offset == ("vocals", pytest.approx(-5, abs=1))
    assert "calibrated" in sab("calibrate", *state).stdout
    assert "→ none" in sab("calibrate", "--reset", *state).stdout
    assert not (tmp_path / "state" / "midi-offsets.json").exists()


def test_a_file_without_the_clicks_is_refused(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "song.mid").write_bytes(midi_file({"bass": []}, seconds=3))
    for file, code in ((tmp_path / "song.mid", "bad_arguments"), (clip, "not_readable")):
        refused = sab("calibrate", file, "--state-dir", tmp_path)
        assert refused.returncode != 0
        assert code in refused.stderr
