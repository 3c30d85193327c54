from __future__ import annotations

import pytest

from bridge.events import (
    Analysed,
    Ended,
    HorizonMoved,
    MidiDelayed,
    MidiEnded,
    MidiMoved,
    MidiStarted,
    MidiStarved,
    MidiWaiting,
    Preview,
    Produced,
    Progressed,
    Started,
    Warned,
)
from bridge.model import Failure, Job, Lateness, Music, Result, Warning
from bridge.osc.addresses import Message
from bridge.osc.pushes import PushedEvent, messages, state
from bridge.request import JobRequest

BASS = Result(kind="stem", name="bass", folder="/o", file="a (Bass).wav", seconds=15.0, sample_rate_hz=44_100)
MIDI = Result(kind="midi", name="bass", folder="/o", file="a (Bass).mid", seconds=15.0, notes=12)
CLIPPED = Warning(code="clipped", message="The bass would clip.")
JOB = Job(
    id="j1",
    name="a",
    request=JobRequest(source="/a.wav"),
    submitted_unix=0,
    state="running",
    stage="writing",
    fraction=0.75,
    output_dir="/o",
    results=(BASS, MIDI),
    warnings=(CLIPPED,),
)


@pytest.mark.parametrize(
    ("event", "pushed"),
    [
        (
            Progressed(job="j1", stage="loading", fraction=0.5),
            [Message("/sab/progress", ("j1", "loading", 0.5, -1.0))],
        ),
        (
            Progressed(job="j1", stage="loading", fraction=0.5, eta_seconds=0),
            [Message("/sab/progress", ("j1", "loading", 0.5, 0.0))],
        ),
        (
            Produced(job="j1", result=BASS),
            [Message("/sab/result", ("j1", "stem", "bass", "/o/a (Bass).wav", 15.0, 44_100))],
        ),
        (
            Produced(job="j1", result=MIDI),
            [Message("/sab/result", ("j1", "midi", "bass", "/o/a (Bass).mid", 15.0, 0))],
        ),
        (
            HorizonMoved(
                job="j1",
                seconds=4.5,
                previews=(Preview(stem="bass", path="/c/bass.wav", sample_rate_hz=48_000, channels=2),),
            ),
            [
                Message("/sab/preview", ("j1", "bass", "/c/bass.wav", 48_000, 2)),
                Message("/sab/horizon", ("j1", 4.5)),
            ],
        ),
        (
            Warned(job="j1", warning=CLIPPED),
            [Message("/sab/warning", ("j1", "clipped", "The bass would clip."))],
        ),
        (
            Analysed(
                job="j1",
                music=Music(tempo_bpm=98.5, tempo_source="estimated", tempo_confidence=0.75, key="Bb major"),
            ),
            [
                Message("/sab/music", ("j1", 98.5, "estimated", 0.75, 0.0, "Bb major", 0.0)),
                Message("/sab/tempo", ("j1", 49.25, "4/4", 0.0)),
                Message("/sab/tempo", ("j1", 197.0, "4/4", 0.0)),
            ],
        ),
        (
            Ended(job="j1", outcome="done", unix_seconds=1),
            [Message("/sab/finished", ("j1", "done", 2, "/o"))],
        ),
        (
            Ended(job="j1", outcome="cancelled", unix_seconds=1),
            [Message("/sab/finished", ("j1", "cancelled", 2, "/o"))],
        ),
        (
            Ended(job="j1", outcome="failed", unix_seconds=1, failure=Failure(code="not_audio", message="No.")),
            [
                Message("/sab/fail", ("/sab/submit", "not_audio", "No.", "j1")),
                Message("/sab/finished", ("j1", "failed", 2, "/o")),
            ],
        ),
        (
            MidiStarted(job="j1", stem="bass", seconds=15, notes=12),
            [Message("/sab/midi.start", ("j1", "bass", 15.0, 12))],
        ),
        (
            MidiEnded(job="j1", stem="bass", outcome="stopped"),
            [Message("/sab/midi.end", ("j1", "bass", "stopped", 0.0, 0.0, 0.0, 0))],
        ),
        (
            MidiEnded(
                job="j1",
                stem="bass",
                outcome="finished",
                lateness=Lateness(messages=9, p50_ms=0.125, p99_ms=0.5, worst_ms=2.0),
                missed=3,
            ),
            [Message("/sab/midi.end", ("j1", "bass", "finished", 0.125, 0.5, 2.0, 3))],
        ),
        (
            MidiStarved(job="j1", stem="bass", seconds=4.5),
            [Message("/sab/midi.starved", ("j1", "bass", 4.5))],
        ),
        (MidiDelayed(job="j1", seconds=75.0), [Message("/sab/midi.delay", ("j1", 75.0))]),
        (
            MidiWaiting(job="j1", stem="bass", sync="clock"),
            [Message("/sab/midi.wait", ("j1", "bass", "clock"))],
        ),
        (
            MidiMoved(job="j1", stem="bass", seconds=-1.5),
            [Message("/sab/midi.position", ("j1", "bass", -1.5))],
        ),
        (Started(job="j1", engine="draft", device="cpu", output_dir="/o"), []),
    ],
)
def test_an_event_and_its_pushes(event: PushedEvent, pushed: list[Message]) -> None:
    assert messages(event, JOB) == pushed


def test_a_failure_without_a_reason_is_an_internal_error() -> None:
    fail, finished = messages(Ended(job="j9", outcome="failed", unix_seconds=1), None)
    assert fail.arguments[1] == "internal"
    assert finished == Message("/sab/finished", ("j9", "failed", 0, ""))


def test_a_live_jobs_state_is_its_progress_its_results_and_its_warnings() -> None:
    assert state(JOB) == [
        Message("/sab/progress", ("j1", "writing", 0.75, -1.0)),
        Message("/sab/result", ("j1", "stem", "bass", "/o/a (Bass).wav", 15.0, 44_100)),
        Message("/sab/result", ("j1", "midi", "bass", "/o/a (Bass).mid", 15.0, 0)),
        Message("/sab/warning", ("j1", "clipped", "The bass would clip.")),
    ]
