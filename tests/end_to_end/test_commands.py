"""The commands, run as by a person."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import sab, serving
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end


def test_process_with_json_prints_only_json_with_the_result_last(clip: Path) -> None:
    done = sab("process", clip, "--engine", "draft", "--json", "--end", "1.5")
    assert done.returncode == 0, done.stderr
    *events, result = map(json.loads, done.stdout.splitlines())
    assert events[0]["type"] == "worker_changed" or events[0]["type"] == "submitted"
    assert result["state"] == "done"
    assert result["engine"] == "draft"
    assert [stem["name"] for stem in result["stems"]] == ["vocals", "drums", "bass", "other"]
    assert {(stem["frames"], stem["sample_rate"], stem["channels"], stem["subtype"]) for stem in result["stems"]} == {
        (66_150, 44_100, 2, "PCM_16")
    }
    assert all(Path(file["path"]).is_file() for file in (*result["stems"], *result["midi"]))
    assert all(file["notes"] >= 0 for file in result["midi"])


def test_process_prints_the_files_it_made(clip: Path, tmp_path: Path) -> None:
    done = sab("process", clip, "--engine", "draft", "--out", tmp_path / "here", "--stems", "bass,drums")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "here" / "clip (Bass).wav") in done.stdout
    assert "Vocals" not in done.stdout
    assert "Done in" in done.stdout


def test_two_stems_are_the_vocals_and_the_rest(clip: Path, tmp_path: Path) -> None:
    done = sab(
        "process", clip, "--engine", "draft", "--two-stems", "vocals", "--format", "opus", "--json", "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert [(stem["name"], Path(stem["path"]).name) for stem in result["stems"]] == [
        ("vocals", "clip (Vocals).opus"), ("instrumental", "clip (Instrumental).opus"),
    ]  # fmt: skip
    assert {(stem["sample_rate"], stem["frames"], stem["subtype"]) for stem in result["stems"]} == {
        (48_000, 96_000, "OPUS")
    }
    assert [file["name"] for file in result["midi"]] == ["vocals"]


def test_transcribe_makes_a_midi_file_only(clip: Path) -> None:
    done = sab("transcribe", clip, "--as", "bass", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["stems"] == []
    assert [file["name"] for file in result["midi"]] == ["bass"]


def test_a_table_and_a_picture_are_results_too(clip: Path) -> None:
    done = sab(
        "transcribe", clip, "--as", "bass", "--json", "--notes", "csv,json", "--picture", "out.svg",
        "--quantise", "1/8", "--time-signature", "3/4", "--one-line", "--lowest", "E1",
        "--highest", "500Hz", "--tempo", "98.5", cwd=clip.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["music"]["tempo_bpm"], result["music"]["tempo_source"]) == (98.5, "given")
    assert [Path(file["path"]).name for file in result["notes"]] == [
        "clip (Bass).notes.csv",
        "clip (Bass).notes.json",
    ]
    assert [file["path"] for file in result["pictures"]] == [str(clip.parent / "out.svg")]
    assert all(Path(file["path"]).is_file() for kind in ("midi", "notes", "pictures") for file in result[kind])


def test_an_existing_picture_is_not_overwritten(clip: Path) -> None:
    mine = clip.parent / "out.svg"
    mine.write_text("mine")
    done = sab("transcribe", clip, "--as", "bass", "--picture", "out.svg", "--tempo", "98", cwd=clip.parent)
    assert done.returncode == 0, done.stderr
    assert mine.read_text() == "mine"
    assert (clip.parent / "out 2.svg").read_bytes().startswith(b"<?xml")
    assert "98 BPM" in done.stdout


def test_the_cache_is_listed_and_cleared(clip: Path) -> None:
    def listed() -> dict[str, Any]:
        listing: dict[str, Any] = json.loads(sab("cache", "list", "--json").stdout)
        return listing

    assert listed()["entries"] == []
    assert sab("process", clip, "--engine", "draft", "--stems", "bass", "--midi", "none").returncode == 0
    (entry,) = listed()["entries"]
    assert (entry["name"], entry["engine"], entry["files"]) == ("clip", "draft", 1)
    assert listed()["bytes"] == entry["bytes"] > 300_000
    assert "clip" in sab("cache").stdout
    assert "1 result cleared" in sab("cache", "clear").stdout
    assert listed()["entries"] == []
    assert (clip.parent / "stems" / "clip" / "clip (Bass).wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["process", "no such file.wav"], 1, "not_found"),
        (["process", "empty"], 1, "There is no audio file in the folder"),
        (["process", ""], 2, "bad_arguments"),
        (["process", "clip.wav", "clip.wav", "--picture", "out.svg"], 2, "several clips"),
        (["process", "clip.wav", "--engine", "magic"], 2, "bad_arguments"),
        (["process", "clip.wav", "--start", "9"], 1, "bad_arguments"),
        (["process", "clip.wav", "--start", "1", "--end", "0.5"], 2, "bad_arguments"),
        (["process", "clip.wav", "--stems", "kazoo"], 2, "kazoo"),
        (["process", "clip.wav", "--two-stems", "bass", "--stems", "bass"], 2, "Say either --stems or --two-stems"),
        (["process", "clip.wav", "--midi", "instrumental"], 2, "midi takes single stems"),
        (
            ["process", "clip.wav", "--engine", "draft", "--stems", "no_piano"],
            1,
            "not piano, which no_piano would lack",
        ),
        (["process", "clip.wav", "--engine", "mdx_extra"], 1, "weights_unavailable"),
        (["process", "clip.wav", "--engine", "draft", "--device", "cuda", "--tempo", "fast"], 2, "tempo"),
        (["transcribe", "clip.wav", "--as", "kazoo"], 2, "kazoo"),
        (["process", "clip.wav", "--shortest", "long"], 2, "shortest must be a number"),
        (["process", "clip.wav", "--lowest", "H2"], 2, "lowest must be a note"),
        (["process", "clip.wav", "--quantise", "1/7"], 2, "1/16t"),
        (["process", "clip.wav", "--scale", "C wrong"], 2, "dorian"),
        (["process", "clip.wav", "--bends", "wild"], 2, "mpe"),
        (["process", "clip.wav", "--notes", "xml"], 2, "csv"),
        (["process", "clip.wav", "--one-line", "--voices", "many"], 2, "--voices"),
        (["process", "clip.wav", "--picture", "nowhere/out.svg"], 1, "nowhere"),
        (["submit", "clip.wav", "--port", "1"], 1, "sab serve"),
        (["submit", "clip.wav", "engine"], 2, "no value"),
        (["send", "nope"], 2, "begins with /"),
        (["send", ""], 2, "begins with /"),
        (["nonsense"], 2, "nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_get_a_clear_message_and_their_status(
    clip: Path, arguments: list[str], status: int, words: str
) -> None:
    (clip.parent / "empty").mkdir()
    done = sab(*arguments, cwd=clip.parent)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rejected_job_prints_json_too(tmp_path: Path) -> None:
    done = sab("process", tmp_path / "gone.wav", "--json")
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, result["state"], result["code"]) == (1, "failed", "not_found")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not text")
def test_a_name_that_is_not_utf8_is_refused_with_a_clear_message(tmp_path: Path, clip: Path) -> None:
    strange = os.fsencode(tmp_path) + b"/nonutf\xff.wav"
    Path(os.fsdecode(strange)).write_bytes(clip.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "process", strange, "--json"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert b"UTF-8" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_closes_the_pipe_ends_the_job(tmp_path: Path) -> None:
    source = write(tmp_path / "long.wav", music(60.0))
    command = [sys.executable, "-m", "bridge", "process", str(source), "--engine", "draft", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) != 0
    assert b"Traceback" not in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.wav"]


def test_an_invalid_default_is_an_error_at_the_start(tmp_path: Path) -> None:
    done = sab("serve", "--port", "0", "--engine", "nope", "--state-dir", tmp_path)
    assert done.returncode == 2
    assert "nope" in done.stderr


def test_ctrl_c_ends_a_job_with_130_and_leaves_no_files(tmp_path: Path) -> None:
    source = write(tmp_path / "long.wav", music(60.0))
    command = [sys.executable, "-m", "bridge", "process", str(source), "--engine", "draft", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("stage") == "separating":
            process.send_signal(signal.SIGINT)
            break
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert json.loads(out.splitlines()[-1])["state"] == "cancelled"
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.wav"]


def test_scripts_can_use_a_running_server(tmp_path: Path, clip: Path) -> None:
    with serving(tmp_path, "--engine", "draft", "--no-midi") as server:
        port = ["--port", str(server.port)]
        done = sab("submit", "clip.wav", "stems", "bass", "midi", "none", "--wait", *port, cwd=clip.parent)
        assert done.returncode == 0, done.stderr
        job, path = done.stdout.splitlines()
        assert path == str(clip.parent / "stems" / "clip" / "clip (Bass).wav")
        assert sab("send", "/sab/query", job, *port).stdout.startswith(f"/sab/job {job} done 1")
        refused = sab("send", "/sab/cancel", "nobody", *port)
        assert (refused.returncode, "not_found" in refused.stdout) == (1, True)


@pytest.mark.parametrize("command", [[], ["list"], ["path"]])
def test_models_are_listed(command: list[str]) -> None:
    done = sab("models", *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_model_that_cannot_be_downloaded_is_an_error() -> None:
    done = sab("models", "pull", "htdemucs_6s")
    assert done.returncode == 1
    assert "weights_unavailable" in done.stderr


def test_doctor_and_ports_report_on_this_machine(tmp_path: Path) -> None:
    done = sab("doctor", "--json", "--state-dir", tmp_path, "--models-dir", tmp_path)
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["ok"] and report["version"] and report["system"]
    assert report["python"] == platform.python_version()
    found = {finding["check"]: finding["verdict"] for finding in report["findings"]}
    named = {"installation", "notes", "separation", "audio_files", "m4a_mp4_wma", "stems_as_m4a_and_opus", "midi"}
    assert named | {"history", "log", "osc_port"} <= set(found)  # scripts rely on these
    assert found["notes"] == found["audio_files"] == found["stems_as_m4a_and_opus"] == found["history"] == "ok"
    assert found.get("midi_timing") in {"linux": ("ok", "note")}.get(sys.platform, (None,))
    assert sab("ports").returncode == 0


def test_doctor_marks_only_what_exists_as_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "ardour7").mkdir(parents=True)

    def found() -> dict[str, tuple[str, str]]:
        done = sab("doctor", "--json", "--state-dir", tmp_path / "state", "--models-dir", tmp_path / "models")
        assert done.returncode == 0, done.stdout + done.stderr
        return {one["subject"]: (one["verdict"], one["message"]) for one in json.loads(done.stdout)["findings"]}

    before = found()
    assert {before[subject][0] for subject in ("Ardour", "REAPER", "History", "Your models", "Log")} == {"note"}
    assert "`sab install ardour`" in before["Ardour"][1]
    assert before["REAPER"][1] == "not found here"
    assert not (tmp_path / "state").exists() and not (tmp_path / "models").exists()

    installed = sab("install", "ardour", "--yes", "--state-dir", tmp_path / "state")
    assert installed.returncode == 0, installed.stderr
    (tmp_path / "models").mkdir()
    after = found()
    assert {after[subject][0] for subject in ("Ardour", "History", "Your models")} == {"ok"}
    for subject in ("Ardour", "History", "Your models"):
        assert Path(after[subject][1]).is_dir()


def test_doctor_fails_if_something_required_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = sab("doctor", "--state-dir", tmp_path / "file" / "state")
    assert done.returncode == 1
    assert "SAB_STATE_DIR" in done.stdout
    done = sab("doctor", "--json", "--state-dir", tmp_path / "file" / "state")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
