"""What is heard, sample by sample: the output is pulled by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio.wav_head import float_wav_head
from bridge.hearing.messages import Heard, Pause, ReplaceNotes, Resume, Seek, SetSilent, StopHearing
from bridge.hearing.player import CLOSE_SECONDS, LOST_SECONDS, STOP_SECONDS, OutputLost
from bridge.model import Note
from bridge.protocols.hearing import Track
from tests.hearing.by_hand import PERIOD_FRAMES, RATE_HZ, Bench, largest_step, level_of, sine

BASS, LEAD = 110.0, 880.0
#: A sine of 880 Hz at half of full scale has steps of 0.058; a cut in it one of up to 1.
SMOOTH = 0.09


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.player.close()


def tracks(folder: Path) -> tuple[Track, Track]:
    return (
        Track(name="bass", path=sine(folder / "bass.wav", BASS)),
        Track(name="lead", path=sine(folder / "lead.flac", LEAD, rate_hz=44_100)),
    )


def test_tracks_sound_together_at_the_rate_of_the_output(bench: Bench, tmp_path: Path) -> None:
    assert bench.hear(*tracks(tmp_path)).code == ""
    sound = bench.pull(1.0)[RATE_HZ // 5 :]
    assert level_of(sound, BASS) == pytest.approx(0.5, abs=0.02)
    assert level_of(sound, LEAD) == pytest.approx(0.5, abs=0.02)
    assert bench.heard.underruns == 0


def test_solo_and_mute_follow_at_once_and_nothing_clicks(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path), silent=("lead",))
    before = bench.pull(0.5)
    bench.do(SetSilent(names=("bass",)))
    after = bench.pull(0.5)
    assert level_of(before[4800:], LEAD) < 0.01 < 0.4 < level_of(before[4800:], BASS)
    # The fade is 10 ms; what is computed ahead delays nothing.
    assert level_of(after[PERIOD_FRAMES:], BASS) < 0.01 < 0.4 < level_of(after[PERIOD_FRAMES:], LEAD)
    assert largest_step(np.concatenate([before, after])) < SMOOTH


def test_jumping_pausing_and_stopping_click_nowhere(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path), at=1.003)
    sound = [bench.pull(0.3)]
    for command in (Seek(seconds=2.5071), Pause(), Resume(), Seek(seconds=0.0013), StopHearing()):
        bench.do(command)
        sound.append(bench.pull(0.3))
    assert largest_step(np.concatenate(sound)) < SMOOTH
    assert not sound[-1][PERIOD_FRAMES:].any()


def test_a_jump_goes_to_the_place_that_was_asked_for(bench: Bench, tmp_path: Path) -> None:
    ramp = np.linspace(0.0, 0.8, 4 * RATE_HZ, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.wav", np.stack([ramp, ramp], axis=1), RATE_HZ, "FLOAT")
    bench.hear(Track(name="ramp", path=str(tmp_path / "ramp.wav")))
    bench.pull(0.5)
    bench.do(Seek(seconds=3.0))
    sound = bench.pull(0.1)
    assert sound[PERIOD_FRAMES, 0] == pytest.approx(ramp[3 * RATE_HZ + PERIOD_FRAMES], abs=1e-5)


def test_an_output_that_asks_for_more_than_is_computed_is_counted_and_gets_silence(
    bench: Bench, tmp_path: Path
) -> None:
    bench.hear(*tracks(tmp_path))
    bench.pull(0.5)
    starved = bench.output.take(2 * RATE_HZ)
    assert not starved[RATE_HZ:].any()
    assert level_of(bench.pull(0.5), BASS) > 0.4
    assert bench.heard.underruns == 1


@pytest.mark.parametrize("seconds", [4.0, 1e6, math.inf])
def test_a_jump_beyond_the_end_ends_there(bench: Bench, tmp_path: Path, seconds: float) -> None:
    bench.hear(*tracks(tmp_path))
    bench.pull(0.1)
    bench.do(Seek(seconds=seconds))
    bench.pull(0.5)
    assert not bench.heard.is_playing
    assert bench.heard.seconds == pytest.approx(4.0, abs=0.001)


def test_a_header_out_of_reason_is_refused(bench: Bench, tmp_path: Path) -> None:
    for rate, channels in ((1_000_000_000, 1), (1, 1), (RATE_HZ, 16_000)):
        path = tmp_path / f"{rate}-{channels}.wav"
        path.write_bytes(float_wav_head(10_000_000, channels, rate) + bytes(4096))
        assert bench.hear(Track(name="x", path=str(path))).code == "not_audio"


def test_the_position_is_what_has_come_out_of_the_output(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path), at=1.0)
    assert bench.heard.seconds == 1.0
    bench.pull(1.0)
    bench.do(Pause())
    paused = bench.heard
    assert not paused.is_playing
    assert paused.seconds == pytest.approx(2.0 - bench.output.delay_seconds)
    bench.pull(0.5)
    assert bench.heard.seconds == paused.seconds
    bench.do(Resume())
    bench.pull(0.5)
    bench.do(Pause())
    assert bench.heard.seconds == pytest.approx(paused.seconds + 0.5 - bench.output.delay_seconds)


def test_at_the_end_it_rests_there_and_begins_again(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path), at=3.5)
    sound = bench.pull(1.0)
    assert not sound[round(0.5 * RATE_HZ) + 4 :].any()
    assert not bench.heard.is_playing
    assert bench.heard.seconds == pytest.approx(4.0, abs=0.001)
    assert bench.heard.underruns == 0
    bench.do(Resume())
    bench.pull(0.1)
    assert (bench.heard.is_playing, bench.heard.seconds < 0.2) == (True, True)


def test_what_is_too_loud_together_is_turned_down_and_not_clipped(bench: Bench, tmp_path: Path) -> None:
    loud = [Track(name=str(n), path=sine(tmp_path / f"{n}.wav", BASS, level=0.9)) for n in range(4)]
    bench.hear(*loud)
    sound = bench.pull(1.0)
    assert np.abs(sound).max() <= 0.981
    third = level_of(sound[RATE_HZ // 2 :], 3 * BASS)
    assert (level_of(sound[RATE_HZ // 2 :], BASS) > 0.9, third < 0.003) == (True, True)  # a clipped sine has a third
    bench.do(SetSilent(names=("1", "2", "3")))
    bench.pull(1.5)
    assert level_of(bench.pull(0.5), BASS) == pytest.approx(0.9, abs=0.02)


def test_notes_are_played_and_replaced_while_they_sound(bench: Bench) -> None:
    def note(pitch: int) -> Note:
        return Note(onset_seconds=0.0, offset_seconds=3.0, pitch=pitch, velocity=100)

    bench.hear(Track(name="lead", notes=(note(69),)))
    before = bench.pull(0.5)
    bench.do(ReplaceNotes(name="lead", notes=(note(76),)))
    bench.do(ReplaceNotes(name="nobody", notes=()))
    after = bench.pull(0.5)
    assert level_of(before[4800:], 440.0) > 10 * level_of(before[4800:], 659.26)
    assert level_of(after[4800:], 659.26) > 10 * level_of(after[4800:], 440.0)
    assert largest_step(np.concatenate([before, after])) < SMOOTH


def test_a_preview_is_heard_as_far_as_it_is_written_and_further_as_it_grows(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "bass.wav"
    times = np.arange(4 * RATE_HZ) / RATE_HZ
    wave = (0.5 * np.sin(2 * np.pi * BASS * times)).astype("<f4")
    with path.open("wb") as file:
        file.write(float_wav_head(len(wave), 1, RATE_HZ) + wave[:RATE_HZ].tobytes())
        file.flush()
        bench.hear(Track(name="bass", path=str(path)), at=0.5)
        assert level_of(bench.pull(0.5)[4800:], BASS) > 0.4
        assert not bench.pull(0.4)[4800:].any()
        file.write(wave[RATE_HZ:].tobytes())
        file.flush()
        bench.pull(0.4)  # what was computed ahead before
        assert level_of(bench.pull(0.5), BASS) == pytest.approx(0.5, abs=0.02)


def test_a_file_that_cannot_be_read_is_refused_and_what_plays_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path))
    bench.pull(0.2)
    (tmp_path / "noise.wav").write_bytes(b"no audio")
    assert bench.hear(Track(name="x", path=str(tmp_path / "noise.wav"))).code == "not_audio"
    assert bench.hear(Track(name="x", path=str(tmp_path / "none.wav"))).code == "not_found"
    assert level_of(bench.pull(0.2), BASS) > 0.4
    assert len(bench.outputs) == 1


def test_a_file_that_shrinks_while_it_plays_falls_silent_and_the_others_play_on(bench: Bench, tmp_path: Path) -> None:
    bass, lead = tracks(tmp_path)
    bench.hear(bass, lead)
    bench.pull(0.2)
    with Path(bass.path).open("r+b") as file:
        file.truncate(2000)
    bench.pull(0.6)
    sound = bench.pull(0.5)
    assert level_of(sound, BASS) < 0.01 < 0.4 < level_of(sound, LEAD)
    assert "bass is silent now" in bench.heard.message


def test_without_an_output_the_answer_says_what_to_do(bench: Bench, tmp_path: Path) -> None:
    bench.refuse = "This machine has no output."
    answer = bench.hear(*tracks(tmp_path))
    assert (answer.code, answer.advice) == ("engine_failed", "Plug one in.")
    assert "no output" in bench.heard.message
    bench.refuse = ""
    assert bench.hear(*tracks(tmp_path)).code == ""
    assert bench.heard.message == ""


def test_an_output_that_asks_for_nothing_more_has_gone(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path))
    bench.pull(1.0)
    bench.clock.advance(LOST_SECONDS + 0.1)
    with pytest.raises(OutputLost):
        bench.player.work()
    heard = bench.last(Heard)
    assert (heard.is_playing, heard.device) == (False, "")
    assert "has gone" in heard.message
    assert not bench.output.is_closed  # it might hang


def test_the_output_is_closed_soon_after_a_stop_and_later_after_a_pause(bench: Bench, tmp_path: Path) -> None:
    bench.hear(*tracks(tmp_path))
    bench.pull(0.2)
    bench.do(Pause())
    bench.pull(CLOSE_SECONDS - 0.1)
    states = [bench.output.is_closed]
    bench.pull(0.2)
    assert [*states, bench.output.is_closed] == [False, True]
    bench.do(Resume())
    assert level_of(bench.pull(0.5)[4800:], BASS) > 0.4
    bench.do(StopHearing())
    assert bench.heard.seconds == 0.0
    bench.pull(STOP_SECONDS + 0.1)
    assert [output.is_closed for output in bench.outputs] == [True, True]
    assert math.isclose(bench.heard.seconds, 0.0)
