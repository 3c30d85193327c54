"""A job's analyses: passed in memory, packed for the cache alone, restored or made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import EngineFailed
from bridge.model import Note
from bridge.pipeline.cache import recent_notes
from bridge.pipeline.cache.analyses import AnalysisCache
from bridge.pipeline.cache.keys import Keys
from bridge.pipeline.cache.recent_notes import RecentNotes, StemReading
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import EngineRecord
from bridge.request import NoteSettings
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.separators import OneNoteTranscriber, OneTranscriber

AUDIO = ArraySignal(np.zeros((44_100, 2), np.float32), 44_100)
ENGINE = EngineRecord(name="draft", device="cpu", weights="1")


class PackCounter(OneNoteTranscriber):
    packed = 0

    def pack(self, analysis: float) -> bytes:
        self.packed += 1
        return super().pack(analysis)


@pytest.fixture
def cache(tmp_path: Path) -> ResultsCache:
    return ResultsCache(tmp_path, 10**9, FakeClock())


def analyses(transcriber: OneNoteTranscriber, cache: ResultsCache | None) -> AnalysisCache:
    keys = Keys(kit="", job="job", stems="stems", separation="separation")
    return AnalysisCache(OneTranscriber(transcriber), cache, keys)


def test_an_analysis_is_computed_once_and_then_restored(cache: ResultsCache) -> None:
    transcriber = OneNoteTranscriber()
    first = analyses(transcriber, cache)
    assert not first.has("bass")
    fresh = first.analysis("bass", AUDIO, RecordingControl())
    first.save("clip", ENGINE)
    second = analyses(transcriber, cache)
    assert second.has("bass")
    cache.clear()
    assert second.analysis("bass", None, RecordingControl()) == fresh
    assert transcriber.analysed == ["bass"]


def test_without_a_cache_nothing_is_packed() -> None:
    transcriber = PackCounter()
    assert analyses(transcriber, None).analysis("bass", AUDIO, RecordingControl()) == 1.0
    assert transcriber.packed == 0


def test_a_damaged_analysis_is_made_anew(cache: ResultsCache) -> None:
    transcriber = OneNoteTranscriber()
    damaged = analyses(transcriber, cache)
    cache.store_analyses("clip", ENGINE, {damaged.key("bass"): b"no number"})
    assert damaged.analysis("bass", AUDIO, RecordingControl()) == 1.0
    damaged.save("clip", ENGINE)
    assert analyses(transcriber, cache).analysis("bass", None, RecordingControl()) == 1.0


def test_a_damaged_analysis_without_audio_is_removed(cache: ResultsCache) -> None:
    damaged = analyses(OneNoteTranscriber(), cache)
    cache.store_analyses("clip", ENGINE, {damaged.key("bass"): b"no number"})
    with pytest.raises(EngineFailed, match="again"):
        damaged.analysis("bass", None, RecordingControl())
    assert not analyses(OneNoteTranscriber(), cache).has("bass")


def test_the_oldest_notes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_notes, "MAX_NOTES", 3)
    recent, settings = RecentNotes(), NoteSettings()
    note = Note(onset_seconds=0.0, offset_seconds=1.0, pitch=60, velocity=90)
    recent.put(("a", settings), StemReading((note,)))
    recent.put(("b", settings), StemReading((note,)))
    assert recent.get(("a", settings)) == StemReading((note,))
    assert recent.get(("a", NoteSettings(lowest_pitch=40))) is None
    recent.put(("c", settings), StemReading((note, note)))
    assert recent.get(("b", settings)) is None
    assert recent.get(("a", settings)) == StemReading((note,))
