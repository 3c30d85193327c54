from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.errors import BadArguments, Cancelled
from bridge.model import Note
from bridge.protocols import NoteStream, StreamedNotes, Transcriber
from bridge.request import NoteSettings
from bridge.transcription.streaming.notes_alone import NotesAlone
from bridge.transcription.transcribers import DrumTranscriber, PitchedTranscriber
from tests.support.fakes import RecordingControl
from tests.support.instruments import DRUM_RATE_HZ, PITCH_RATE_HZ, as_signal, hat, kick, melody, place, snare

if TYPE_CHECKING:
    from bridge.protocols import Samples

STEMS = ("vocals", "bass", "other", "drums")
TUNE = [(0.3 + 0.45 * step, 0.4, 60 + pitch) for step, pitch in enumerate((0, 4, 7, 12, 7, 4, 0, 5, 9, 12, 9, 5))]
SECONDS = 9.0


class Growing(ArraySignal):
    """A signal of which only the beginning may be read."""

    known = 0

    def read(self, start: int, stop: int) -> Samples:
        assert stop <= self.known, "it reads what is not known yet"
        return super().read(start, stop)


@cache
def transcriber(stem: str) -> Transcriber[Any]:
    return DrumTranscriber() if stem == "drums" else PitchedTranscriber() if stem == "other" else transcriber("other")


@cache
def clip(stem: str) -> ArraySignal:
    if stem != "drums":
        octave = 24 if stem == "bass" else 0
        return melody([(onset, length, pitch - octave) for onset, length, pitch in TUNE], SECONDS)
    rng, wave = np.random.default_rng(1), np.zeros(round(SECONDS * DRUM_RATE_HZ))
    for eighth in range(round(SECONDS * 4)):
        for sound in (hat, (kick, hat, snare, hat)[eighth % 4]):
            place(wave, sound(rng), round(eighth / 4 * DRUM_RATE_HZ))
    return as_signal(wave, DRUM_RATE_HZ)


def streamed(
    stem: str, audio: ArraySignal, known: Sequence[float], wanted: NoteSettings | None = None
) -> tuple[list[StreamedNotes], bytes]:
    """What each advance gives, and the analysis."""
    growing = Growing(audio.samples, audio.sample_rate_hz)
    stream = transcriber(stem).stream(growing, stem, wanted or NoteSettings(), NullControl())
    given_out = []
    for seconds in (*known, audio.frames / audio.sample_rate_hz):
        growing.known = round(seconds * audio.sample_rate_hz)
        given_out.append(stream.advance(growing.known / audio.sample_rate_hz))
    return given_out, transcriber(stem).pack(stream.analysis())


def played(given_out: Sequence[StreamedNotes], seconds: float | None = None) -> list[Note]:
    """All notes, each as it was given last; none changes, overlaps another of its pitch or ends after the clip."""
    notes: dict[tuple[int, float], Note] = {}
    until = 0.0
    for some in given_out:
        assert some.until_seconds >= until
        assert list(some.notes) == sorted(some.notes, key=lambda note: (note.onset_seconds, note.pitch))
        given = {(note.pitch, note.onset_seconds): note for note in some.notes}
        assert given.keys() >= {key for key, note in notes.items() if note.offset_seconds >= until}
        for key, note in given.items():
            assert note.onset_seconds < some.until_seconds and until <= note.offset_seconds
            before = notes.get(key)
            if before is None:
                assert note.onset_seconds >= until
            else:
                assert before.offset_seconds >= until and before.velocity == note.velocity
                assert [bend for bend in before.bends if bend.time_seconds < until] == [
                    bend for bend in note.bends if bend.time_seconds < until
                ]
            notes[key] = note
        until = some.until_seconds
    last: dict[int, float] = {}
    ends = until if seconds is None else seconds
    for (pitch, onset), note in sorted(notes.items()):
        assert 0 <= last.get(pitch, 0.0) <= onset < note.offset_seconds <= ends
        last[pitch] = note.offset_seconds
    return sorted(notes.values(), key=lambda note: (note.onset_seconds, note.pitch))


def whole(stem: str, audio: ArraySignal) -> bytes:
    return transcriber(stem).pack(transcriber(stem).analyse(audio, stem, NullControl()))


@pytest.mark.parametrize("stem", STEMS)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(blocks=st.lists(st.floats(0.01, 5.0), max_size=8))
def test_blocks_of_any_size_give_the_analysis_of_the_whole(stem: str, blocks: list[float]) -> None:
    known = [second for second in np.cumsum(blocks).tolist() if second < SECONDS]
    given_out, analysis = streamed(stem, clip(stem), known)
    assert analysis == whole(stem, clip(stem))
    assert given_out[-1].until_seconds == SECONDS
    assert played(given_out)


@pytest.mark.parametrize("stem", STEMS)
def test_the_notes_of_a_steady_piece_are_those_of_the_whole(stem: str) -> None:
    given_out, analysis = streamed(stem, clip(stem), [2.5, 5.0, 7.0])
    final = transcriber(stem).notes(transcriber(stem).unpack(analysis), stem, NoteSettings())
    live = played(given_out)
    assert [(note.pitch, round(note.onset_seconds, 3)) for note in live] == [
        (note.pitch, round(note.onset_seconds, 3)) for note in final
    ]
    assert max(abs(one.velocity - other.velocity) for one, other in zip(live, final, strict=True)) <= 8


@pytest.mark.parametrize(("stem", "least"), [("vocals", 3.9), ("other", 3.9), ("bass", 3.9), ("drums", 5.0)])
def test_notes_come_early(stem: str, least: float) -> None:
    given_out, _ = streamed(stem, clip(stem), [6.0])
    assert given_out[0].until_seconds >= least
    assert given_out[0].notes


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.7, 5.0])
def test_silence_and_short_clips_have_no_notes(stem: str, seconds: float) -> None:
    rate = transcriber(stem).sample_rate_hz
    silence = ArraySignal(np.zeros((round(seconds * rate), 1), np.float32), rate)
    given_out, analysis = streamed(stem, silence, [seconds / 3, seconds / 2])
    assert played(given_out) == []
    assert given_out[-1].until_seconds == silence.frames / rate
    assert analysis == whole(stem, silence)


def test_a_clip_shorter_than_a_window_has_its_notes() -> None:
    given_out, _ = streamed("other", melody([(0.1, 0.5, 64)], 0.8), [0.3])
    assert not given_out[0].notes and given_out[0].until_seconds == 0.0
    assert [note.pitch for note in played(given_out)] == [64]


def test_a_drone_sounds_before_it_ends() -> None:
    time = np.arange(19 * PITCH_RATE_HZ) / PITCH_RATE_HZ
    drone = sum(np.sin(2 * np.pi * 220 * part * time) / part for part in range(1, 5)) * np.minimum(1, time * 100)
    audio = as_signal(np.concatenate((np.zeros(PITCH_RATE_HZ), 0.1 * drone)), PITCH_RATE_HZ)
    given_out, _ = streamed("piano", audio, [5.0, 10.0, 15.0])
    for some in given_out[:-1]:
        (note,) = some.notes
        assert note.onset_seconds == pytest.approx(1.0, abs=0.05) and note.offset_seconds >= some.until_seconds
    (note,) = played(given_out)
    assert note.pitch == 57 and note.offset_seconds > 19


def test_it_can_be_cancelled_and_refuses_what_has_no_pitch() -> None:
    stream = transcriber("other").stream(clip("other"), "other", NoteSettings(), RecordingControl(cancel_at=1))
    stream.advance(2.5)
    with pytest.raises(Cancelled):
        stream.advance(SECONDS)
    with pytest.raises(BadArguments):
        transcriber("other").stream(
            clip("other"), "other", NoteSettings(lowest_pitch=70, highest_pitch=60), NullControl()
        )


def test_a_transcriber_that_reads_the_whole_at_once_has_live_notes_of_another() -> None:
    fast = clip("other")
    audio = ArraySignal(np.repeat(fast.samples, 2, axis=0), 2 * PITCH_RATE_HZ)
    growing = Growing(audio.samples, audio.sample_rate_hz)
    stream: NoteStream[None] = NotesAlone(transcriber("other"), growing, "piano", NoteSettings(), NullControl(), None)
    given_out = []
    for seconds in (4.0, SECONDS):
        growing.known = round(seconds * audio.sample_rate_hz)
        given_out.append(stream.advance(seconds))
    assert given_out[0].notes and given_out[1].until_seconds == SECONDS
    assert [note.pitch for note in played(given_out)] == [pitch for _, _, pitch in TUNE]
    assert stream.analysis() is None
