from __future__ import annotations

from pathlib import Path

from bridge.events import MidiEnded, MidiStarted
from bridge.midi.lateness_log import FILE_NAME, MAX_ENTRIES, LatenessLog, MeasuredLateness, read_lateness
from bridge.model import Lateness
from tests.support.fakes import FakeClock


def ended(stem: str, worst_ms: float) -> MidiEnded:
    figures = Lateness(messages=10, p50_ms=0.1, p99_ms=worst_ms, worst_ms=worst_ms)
    return MidiEnded(job="job", stem=stem, outcome="finished", lateness=figures)


def test_the_lateness_of_a_playback_is_stored_at_its_end(tmp_path: Path) -> None:
    clock = FakeClock()
    log = LatenessLog(tmp_path / "9720", clock)
    for event in (
        MidiStarted(job="job", stem="bass", seconds=1.0, notes=5),
        ended("bass", 0.5),
        MidiEnded(job="job", stem="vocals", outcome="failed"),
    ):
        log.on_event(event)
    figures = Lateness(messages=10, p50_ms=0.1, p99_ms=0.5, worst_ms=0.5)
    expected = MeasuredLateness(unix_seconds=clock.unix_seconds(), stem="bass", figures=figures)
    assert read_lateness(tmp_path / "9720") == [expected]


def test_only_the_last_entries_are_stored(tmp_path: Path) -> None:
    log = LatenessLog(tmp_path, FakeClock())
    for number in range(MAX_ENTRIES + 3):
        log.on_event(ended("bass", number))
    assert [measured.figures.worst_ms for measured in read_lateness(tmp_path)] == list(range(3, MAX_ENTRIES + 3))


def test_an_unreadable_or_unwritable_file_raises_nothing(tmp_path: Path) -> None:
    assert read_lateness(tmp_path) == []
    (tmp_path / FILE_NAME).write_text("{")
    assert read_lateness(tmp_path) == []
    (tmp_path / "file").touch()
    LatenessLog(tmp_path / "file" / "folder", FakeClock()).on_event(ended("bass", 1))
