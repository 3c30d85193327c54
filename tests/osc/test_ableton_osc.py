"""What `sab live` learns of Live, from an AbletonOSC that speaks real UDP."""

from __future__ import annotations

import socket

import pytest

from bridge.errors import BadArguments, NotFound
from bridge.options.table import OPTIONS
from bridge.osc import ableton_osc
from bridge.osc.ableton_osc import LiveClip, NoLive, selected_clip
from tests.support.ableton_osc import FakeAbletonOsc, Value, running
from tests.support.loopback import free_port

CLIP: dict[str, Value] = {
    "is_audio_clip": True,
    "file_path": "/sets/Tango Project/Samples/Imported/loop.wav",
    "name": "loop A/B",
    "warping": False,
    "looping": False,
    "start_marker": 1.5,
    "end_marker": 9.25,
    "loop_start": 0.5,
    "loop_end": 4.5,
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ableton_osc, "ANSWER_SECONDS", 0.2)


async def clip_of(live: FakeAbletonOsc) -> LiveClip:
    async with running(live):
        return await selected_clip(live.port, live.answer_port)


async def test_an_unwarped_clip_is_taken_with_its_part_and_the_songs_tempo() -> None:
    live = FakeAbletonOsc(CLIP, selected=(3, 7))
    clip = await clip_of(live)
    assert clip == LiveClip(
        path="/sets/Tango Project/Samples/Imported/loop.wav",
        name="loop A/B",
        warped=False,
        start_seconds=1.5,
        end_seconds=9.25,
        tempo_bpm=124.0,
    )
    assert clip.options() == {"name": "loop A-B", "start": 1.5, "end": 9.25, "tempo": 124.0}
    assert all(message.arguments in ((), (3, 7)) for message in live.heard)


@pytest.mark.parametrize(
    ("markers", "part"),
    [
        ({"looping": True}, (0.5, 4.5)),  # begins behind its loop's start: what comes before is played later
        ({"looping": True, "start_marker": 0.25}, (0.25, 4.5)),
        ({"looping": True, "start_marker": 3.0, "loop_start": 2.0}, (2.0, 4.5)),
        ({"start_marker": -0.5}, (0.0, 9.25)),  # Live's markers may lie outside the file
        ({"end_marker": 1.0}, (None, None)),
    ],
)
async def test_the_part_is_all_that_the_clip_plays(
    markers: dict[str, Value], part: tuple[float | None, float | None]
) -> None:
    clip = await clip_of(FakeAbletonOsc({**CLIP, **markers}))
    assert (clip.start_seconds, clip.end_seconds) == part


async def test_a_warped_clip_is_its_whole_file_in_the_files_own_tempo() -> None:
    clip = await clip_of(FakeAbletonOsc({**CLIP, "warping": True}))
    assert clip.warped
    assert clip.options() == {"name": "loop A-B"}


@pytest.mark.parametrize("tells_errors", [True, False])
async def test_an_older_version_that_knows_no_markers_gives_the_whole_file(tells_errors: bool) -> None:
    old = {name: CLIP[name] for name in ("is_audio_clip", "file_path", "name", "warping", "looping")}
    clip = await clip_of(FakeAbletonOsc(old, tells_errors=tells_errors))
    assert (clip.start_seconds, clip.end_seconds, clip.tempo_bpm) == (None, None, 124.0)


@pytest.mark.parametrize("tells_errors", [True, False])
@pytest.mark.parametrize(
    ("live", "error", "words"),
    [
        (FakeAbletonOsc(None), NotFound, "no clip in track 2, scene 5"),
        (FakeAbletonOsc({**CLIP, "is_audio_clip": False}), BadArguments, "MIDI notes"),
        (FakeAbletonOsc({**CLIP, "file_path": ""}), NotFound, "has no file"),
        (FakeAbletonOsc({"is_audio_clip": True}), NotFound, "has no file"),
    ],
    ids=["empty slot", "MIDI clip", "being recorded", "path unknown"],
)
async def test_what_cannot_be_taken_is_told_in_words(
    live: FakeAbletonOsc, error: type[Exception], words: str, tells_errors: bool
) -> None:
    live.tells_errors = tells_errors
    live.port = 0
    with pytest.raises(error, match=words) as told:
        await clip_of(live)
    assert not isinstance(told.value, NoLive)


@pytest.mark.parametrize("tells_errors", [True, False])
async def test_the_main_track_has_no_clip(tells_errors: bool) -> None:
    with pytest.raises(NotFound, match="no clip slots"):
        await clip_of(FakeAbletonOsc(CLIP, selected=None, tells_errors=tells_errors))


async def test_without_abletonosc_it_says_what_to_install() -> None:
    with pytest.raises(NoLive, match=r"ideoforms/AbletonOSC"):
        await selected_clip(free_port(), free_port())


async def test_an_answers_port_that_is_taken_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(NoLive, match=f"{port}.*other program that talks to AbletonOSC"):
            await selected_clip(free_port(), port)


async def test_a_lost_question_is_asked_again() -> None:
    live = FakeAbletonOsc(CLIP, deaf_to=2)
    assert (await clip_of(live)).end_seconds == 9.25


async def test_an_error_that_is_told_twice_counts_for_its_question_only() -> None:
    class BusyLive(FakeAbletonOsc):
        """Lets the question about warping wait until it is asked again, and then answers both times."""

        waits: bytes = b""

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if b"warping" in data and not self.waits:
                self.waits = data
                return
            super().datagram_received(data, addr)
            if b"warping" in data:
                super().datagram_received(self.waits, addr)

    live = BusyLive({name: value for name, value in CLIP.items() if name != "warping"})
    assert (await clip_of(live)).name == "loop A/B"


@pytest.mark.parametrize(
    ("path", "is_unsaved"),
    [
        ("/Users/me/Music/Ableton/Live Recordings/2026-11-22 180312 Temp Project/Samples/Recorded/1-Audio.aif", True),
        ("C:\\Users\\me\\Ableton\\Live Recordings\\Temp-2 Project\\Samples\\Recorded\\1-Audio.aif", True),
        ("/Users/me/Tango Project/Samples/Imported/loop.wav", False),
        ("/Users/me/Temperature Project/Samples/loop.wav", False),
        ("/tmp/Temp/loop.wav", False),
    ],
)
def test_a_set_without_a_place_of_its_own_is_known_by_its_folder(path: str, is_unsaved: bool) -> None:
    clip = LiveClip(path=path, name="", warped=True, start_seconds=None, end_seconds=None, tempo_bpm=None)
    assert clip.set_is_unsaved == is_unsaved
    assert clip.options() == {}


def test_a_clips_options_are_options_of_a_job() -> None:
    clip = LiveClip(path="/a.wav", name="a", warped=False, start_seconds=1.0, end_seconds=2.0, tempo_bpm=120.0)
    assert set(clip.options()) <= set(OPTIONS)
