"""Sound that begins later than its file does, by the container's own time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.encoded import decoded
from tests.support.sounds import music

RATE = 48_000
LATE_SECONDS = 1.5


def movie(path: Path, *, sound_at: float = LATE_SECONDS, picture: bool = True, codec: str = "aac") -> Path:
    """A second of sound that begins at `sound_at` seconds, in a movie that begins at 0."""
    with av.open(str(path), "w", format={".ts": "mpegts"}.get(path.suffix)) as container:
        sound = container.add_stream(codec, rate=RATE, layout="stereo")
        streams = [sound]
        if picture:
            streams.append(container.add_stream("mpeg4", rate=10))
            streams[1].width, streams[1].height, streams[1].pix_fmt = 32, 32, "yuv420p"
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(music(1.0, RATE).T), format="fltp", layout="stereo")
        whole.sample_rate, whole.pts = RATE, round(sound_at * RATE)
        parts = av.AudioResampler(sound.codec_context.format.name, "stereo", RATE, frame_size=1024)
        pictures = [av.VideoFrame.from_ndarray(np.zeros((48, 32), np.uint8), format="yuv420p") for _ in range(25)]
        for number, image in enumerate(pictures if picture else []):
            image.pts = number
            container.mux(streams[1].encode(image))
        if picture:
            container.mux(streams[1].encode(None))
        for frame in (*parts.resample(whole), *parts.resample(None), None):
            container.mux(sound.encode(frame))
    return path


@pytest.mark.parametrize(("ending", "codec"), [("mov", "pcm_s16le"), ("mp4", "aac"), ("mkv", "aac"), ("ts", "aac")])
def test_sound_that_begins_late_has_silence_before_it(tmp_path: Path, ending: str, codec: str) -> None:
    _, at_once = decoded(movie(tmp_path / f"a.{ending}", sound_at=0.0, codec=codec))
    region, samples = decoded(movie(tmp_path / f"b.{ending}", codec=codec))
    heard = at_once[3000:9000, 0]
    wanted = round(LATE_SECONDS * RATE) + 3000
    near = range(wanted - 1200, wanted + 1200)
    found = min(near, key=lambda at: float(np.abs(samples[at : at + len(heard), 0] - heard).sum()))
    assert abs(found - wanted) <= {"mov": 0, "ts": 1100}.get(ending, 60)  # some count milliseconds
    assert [warning.code for warning in region.warnings] == ["late_sound"]
    assert "1.5" in region.warnings[0].message or "1.4" in region.warnings[0].message
    assert abs(region.silent_frames - LATE_SECONDS * RATE) <= 1100


def test_a_region_is_counted_in_the_time_of_the_file(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mov", codec="pcm_s16le")
    _, whole = decoded(path)
    region, part = decoded(path, 1.4, 2.0)
    assert (region.start_frame, region.stop_frame) == (67_200, 96_000)
    assert np.array_equal(part, whole[67_200:96_000])
    assert not part[:4800].any()
    assert decoded(path, 1.6, 2.0)[0].warnings == ()


def test_a_song_of_sound_alone_that_begins_late_in_an_mp4_file_is_late_too(tmp_path: Path) -> None:
    region, samples = decoded(movie(tmp_path / "a.m4a", picture=False))
    assert abs(region.silent_frames - LATE_SECONDS * RATE) <= 1100
    assert not samples[: RATE // 2].any()


@pytest.mark.parametrize("ending", ["m4a", "mp3", "mkv", "ts"])
def test_sound_alone_that_begins_at_once_is_told_nothing_of(tmp_path: Path, ending: str) -> None:
    codec = "mp3" if ending == "mp3" else "aac"
    region, _ = decoded(movie(tmp_path / f"a.{ending}", sound_at=0.0, picture=False, codec=codec))
    assert region.warnings == ()
    assert region.silent_frames == 0
