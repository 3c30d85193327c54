"""Querying Live through a fake AbletonOSC over real UDP."""

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


async def test_an_unwarped_clip_has_its_range_and_the_songs_tempo() -> None:
    live = FakeAbletonOsc(CLIP, selected=(3, 7))
    clip = await clip_of(live)
    assert clip == LiveClip(
        path="/sets/Tango Project/Samples/Imported/loop.wav",
        name="loop A/B",
        warped=False,
        start_seconds=0.5,
        end_seconds=4.5,
        tempo_bpm=124.0,
        track="Keys",
        track_number=4,
        scene_number=8,
        arrangement_clips=0,
    )
    assert clip.options() == {"name": "loop A-B", "start": 0.5, "end": 4.5, "tempo": 124.0}
    assert clip.summary == '"loop A/B" in track 4 "Keys", scene 8, 4.0 s'
    assert all(message.arguments in ((), (3,), (3, 7)) for message in live.received)


@pytest.mark.parametrize(
    ("markers", "played"),
    [
        ({"looping": True}, (0.5, 4.5)),  # it starts inside its loop, whose start is played later
        ({"looping": True, "start_marker": 0.25}, (0.25, 4.5)),
        ({"looping": True, "start_marker": 3.0, "loop_start": 2.0}, (2.0, 4.5)),
        ({"loop_start": -0.5}, (0.0, 4.5)),  # Live's markers may lie outside the file
        ({"end_marker": 960.0}, (0.5, 4.5)),  # beats, from the time when the clip was warped
        ({"loop_end": 0.25}, (None, None)),
    ],
)
async def test_the_range_is_all_that_the_clip_plays(
    markers: dict[str, Value], played: tuple[float | None, float | None]
) -> None:
    clip = await clip_of(FakeAbletonOsc({**CLIP, **markers}))
    assert (clip.start_seconds, clip.end_seconds) == played


async def test_a_warped_clip_is_its_whole_file_without_a_tempo() -> None:
    clip = await clip_of(FakeAbletonOsc({**CLIP, "warping": True}))
    assert clip.warped
    assert clip.options() == {"name": "loop A-B"}
    assert clip.summary == '"loop A/B" in track 2 "Keys", scene 5, 4 beats, warped'


@pytest.mark.parametrize(("arrangement", "may_be"), [((), False), (("Verse", "Chorus"), True), (None, False)])
async def test_with_clips_in_the_arrangement_another_may_be_meant(
    arrangement: tuple[str, ...] | None, may_be: bool
) -> None:
    clip = await clip_of(FakeAbletonOsc(CLIP, arrangement=arrangement))
    assert clip.may_be_another is may_be
    assert clip.arrangement_clips == (None if arrangement is None else len(arrangement))


@pytest.mark.parametrize("reports_errors", [True, False])
async def test_an_older_version_without_markers_gives_the_whole_file(reports_errors: bool) -> None:
    old = {name: CLIP[name] for name in ("is_audio_clip", "file_path", "name", "warping", "looping")}
    clip = await clip_of(FakeAbletonOsc(old, reports_errors=reports_errors))
    assert (clip.start_seconds, clip.end_seconds, clip.tempo_bpm) == (None, None, 124.0)


@pytest.mark.parametrize("reports_errors", [True, False])
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
async def test_an_unusable_clip_is_an_error_with_a_clear_message(
    live: FakeAbletonOsc, error: type[Exception], words: str, reports_errors: bool
) -> None:
    live.reports_errors = reports_errors
    live.port = 0
    with pytest.raises(error, match=words) as caught:
        await clip_of(live)
    assert not isinstance(caught.value, NoLive)


@pytest.mark.parametrize("reports_errors", [True, False])
async def test_the_main_track_has_no_clip(reports_errors: bool) -> None:
    with pytest.raises(NotFound, match="no clip slots"):
        await clip_of(FakeAbletonOsc(CLIP, selected=None, reports_errors=reports_errors))


async def test_without_abletonosc_the_error_says_what_to_install() -> None:
    with pytest.raises(NoLive, match=r"ideoforms/AbletonOSC"):
        await selected_clip(free_port(), free_port())


async def test_an_answer_port_in_use_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(NoLive, match=f"{port}.*other program that talks to AbletonOSC"):
            await selected_clip(free_port(), port)


async def test_a_lost_query_is_sent_again() -> None:
    live = FakeAbletonOsc(CLIP, lose=2)
    assert (await clip_of(live)).end_seconds == 4.5


async def test_a_repeated_error_affects_only_its_own_query() -> None:
    class BusyLive(FakeAbletonOsc):
        """Answers the first query about warping only together with its repetition."""

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
def test_an_unsaved_set_is_recognised_by_its_folder(path: str, is_unsaved: bool) -> None:
    clip = LiveClip(path=path, name="", warped=True, start_seconds=None, end_seconds=None, tempo_bpm=None)
    assert clip.set_is_unsaved == is_unsaved
    assert clip.options() == {}


def test_a_clips_options_are_valid_job_options() -> None:
    clip = LiveClip(path="/a.wav", name="a", warped=False, start_seconds=1.0, end_seconds=2.0, tempo_bpm=120.0)
    assert set(clip.options()) <= set(OPTIONS)
