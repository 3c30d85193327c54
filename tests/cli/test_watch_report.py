"""What `sab watch` tells people of each clip: its name, where its results are, and what was wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.output.watch_report import WatchReport
from bridge.events import Ended, JobEvent, Produced, Progressed, Started, Warned
from bridge.model import Job, Result, Warning
from bridge.watch.values import FileState, WatchedClip
from tests.support.requests import request_for

FOLDER = Path("/music/bounces").absolute()
FILE = FileState(1, 1)


def test_each_clip_has_few_lines_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    report = WatchReport(FOLDER, json=False)
    request = request_for(FOLDER / "live" / "take 1.wav")
    job = Job(id="abcdefgh", name="take 1", request=request, submitted_unix=1.0, output_dir="/out/take 1")
    stem = Result(kind="stem", name="bass", file="take 1 (Bass).wav", seconds=3.0)
    happened: tuple[JobEvent, ...] = (
        Started(job=job.id, engine="draft", device="cpu", output_dir="/out/take 1"),
        Progressed(job=job.id, stage="separating", fraction=0.5),
        Produced(job=job.id, result=stem),
        Warned(job=job.id, warning=Warning(code="tempo_assumed", message="No tempo was found.")),
        Ended(job=job.id, outcome="done", unix_seconds=2.0),
    )
    for event in happened:
        report.event(event, job)
    name = Path("live", "take 1.wav")
    assert [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()] == [
        f"{name}: draft on cpu",
        f"{name}: tempo_assumed: No tempo was found.",
        f"{name}: done: /out/take 1",
    ]


def test_who_waits_is_told_for_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    report = WatchReport(FOLDER, json=False)
    report.tell(WatchedClip(path="a.wav", file=FILE, state="waiting", code="not_audio", message="It is not audio."))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.partition(" ")[2].startswith("a.wav: waiting: not_audio: It is not audio.")
    assert line.endswith("it is tried again until it has not changed for 5 minutes.")


def test_what_has_failed_before_counts_too() -> None:
    report = WatchReport(FOLDER, json=False)
    clips = [WatchedClip(path="a.wav", file=FILE, state="failed", code="not_audio", message="It is not audio.")]
    clips += [WatchedClip(path="b.wav", file=FILE, state="done")]
    report.conclude({clip.path: clip for clip in clips})
    assert report.failed == 1
