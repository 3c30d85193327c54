"""The pace of a run, and what is left: by the length of the songs."""

from __future__ import annotations

import pytest

from bridge.cli.libraries.report import left_text
from bridge.library.forecast import FIRST_SECONDS, Forecast, Progress
from bridge.library.song import Song

COUNTS = Progress(songs=100, done=0, failed=0, running=1)


def song(ending: str, size: int) -> Song:
    return Song(source=f"/x{ending}", folder="/out/x", size_bytes=size)


def test_nothing_is_told_before_something_is_known() -> None:
    forecast = Forecast({".wav": 1000}, 0.0)
    assert forecast.progress(60.0, COUNTS, 0.0) == COUNTS
    forecast.learn(song(".wav", 10), 180.0)
    assert forecast.progress(FIRST_SECONDS / 2, COUNTS, 90.0) == COUNTS


def test_the_first_song_in_work_tells_already_when_all_is_done() -> None:
    forecast = Forecast({".wav": 1000}, 0.0)
    forecast.learn(song(".wav", 10), 180.0)  # 18 s a byte: 18 000 s in all
    progress = forecast.progress(10.0, COUNTS, 20.0)
    assert progress.audio_minutes_per_minute == pytest.approx(2.0)
    assert progress.left_seconds == pytest.approx((18_000 - 20) / 2)
    assert progress.songs_per_hour == 0.0


def test_a_compressed_file_is_longer_than_its_size_says() -> None:
    forecast = Forecast({".wav": 1000, ".mp3": 1000, ".ogg": 1000}, 0.0)
    forecast.learn(song(".wav", 100), 10.0)
    forecast.learn(song(".mp3", 100), 110.0)
    forecast.end(song(".wav", 1000), 100.0)
    progress = forecast.progress(100.0, COUNTS, 0.0)
    # left: 1 100 s of MP3, and Ogg as all together: 1 000 bytes at 220 s in 1 200 bytes
    assert progress.left_seconds == pytest.approx(1100 + 1000 * 220 / 1200)
    assert progress.songs_per_hour == pytest.approx(36)


def test_a_failed_song_is_no_longer_waited_for_and_adds_no_pace() -> None:
    forecast = Forecast({".wav": 200}, 0.0)
    forecast.end(song(".wav", 50), 50.0)
    forecast.end(song(".wav", 150), 0.0)
    progress = forecast.progress(10.0, COUNTS, 0.0)
    assert (progress.left_seconds, progress.audio_minutes_per_minute) == (0.0, 5.0)


def test_the_pace_is_that_of_the_last_half_hour() -> None:
    forecast = Forecast({".wav": 100_000}, 0.0)
    for minute in range(60):  # a song of a minute each
        forecast.end(song(".wav", 60), 60.0)
        forecast.progress(minute * 60.0 + 60.0, COUNTS, 0.0)
    for step in range(120):  # another machine has joined: two songs a minute
        forecast.end(song(".wav", 60), 60.0)
        progress = forecast.progress(3600.0 + (step + 1) * 30.0, COUNTS, 0.0)
    assert progress.audio_minutes_per_minute == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "less than a minute"), (100, "about 2 min"), (3600 * 3.34, "about 3 h 20 min"), (3600 * 52, "about 2 d 4 h")],
)
def test_the_time_that_is_left_in_words(seconds: float, words: str) -> None:
    assert left_text(seconds) == words
