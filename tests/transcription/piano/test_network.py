"""The package's network, loaded without what it does not need, reads decaying tones; a fake shows windows and joins."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled, EngineFailed
from bridge.transcription.piano.network import PianoNetwork
from bridge.transcription.piano.package import PianoPackage
from tests.support.fakes import RecordingControl

RATE_HZ, HOP = 44100, 1024
PLAYED = ((0.5, 60), (1.1, 64), (1.7, 67), (3.0, 60))


def tones() -> ArraySignal:
    samples = np.zeros(5 * RATE_HZ)
    for onset, pitch in PLAYED:
        time = np.arange(RATE_HZ // 2) / RATE_HZ
        first = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * first * time) * np.exp(-time * (2 + k)) / k**1.5 for k in range(1, 9))
        start = round(onset * RATE_HZ)
        samples[start : start + len(time)] += 0.2 * tone * np.clip((0.5 - time) / 0.02, 0, 1)
    return ArraySignal(samples.astype(np.float32)[:, np.newaxis], RATE_HZ)


@pytest.mark.skipif(find_spec("transkun") is None, reason="the extra piano is not installed")
def test_the_packages_network_finds_the_notes_and_leaves_no_stubs_behind() -> None:
    notes = PianoNetwork(PianoPackage.installed()).notes(tones(), RecordingControl())
    assert [note.pitch for note in notes] == [pitch for _, pitch in PLAYED]
    assert [note.onset_seconds for note in notes] == pytest.approx([onset for onset, _ in PLAYED], abs=0.05)
    for name in ("torchaudio", "pretty_midi", "mir_eval"):
        assert name not in sys.modules or sys.modules[name].__spec__ is not None


class HeldNote:
    """A model that hears one note from second 4 to second 30, and pedals, whichever window it is shown."""

    hopSize, windowSize, targetMIDIPitch = HOP, 4096, (-64, 60)  # noqa: N815 - the package's names

    def __init__(self) -> None:
        self.begins: list[list[int]] = []
        self.frames: list[int] = []

    def transcribeFrames(  # noqa: N802
        self,
        frames: torch.Tensor,
        forcedStartPos: list[int],  # noqa: N803
        lastFrameIdx: int,  # noqa: N803
    ) -> tuple[list[list[SimpleNamespace]], list[int]]:
        number, step, window = len(self.begins), 344 * HOP / RATE_HZ, lastFrameIdx * HOP / RATE_HZ
        self.begins.append(forcedStartPos)
        self.frames.append(frames.shape[2])
        at = number * step - 43 * HOP / RATE_HZ
        begins, ends = at <= 4.0, at + window >= 30.0
        heard = SimpleNamespace(
            start=max(4.0 - at, 0.0), end=min(30.0 - at, window), pitch=60, velocity=0, hasOnset=begins, hasOffset=ends
        )
        pedal = SimpleNamespace(start=0.0, end=1.0, pitch=-64, velocity=90, hasOnset=True, hasOffset=True)
        return [[pedal, heard]], [0, lastFrameIdx if ends else 0]


def network(model: object) -> PianoNetwork:
    made = PianoNetwork.__new__(PianoNetwork)
    made._model = model
    return made


def noise(seconds: float) -> ArraySignal:
    samples = np.random.default_rng(1).standard_normal((round(seconds * RATE_HZ), 1)) * 0.1
    return ArraySignal(samples.astype(np.float32), RATE_HZ)


def test_a_note_that_is_longer_than_a_window_stays_one() -> None:
    model, control = HeldNote(), RecordingControl()
    (note,) = network(model).notes(noise(35.0), control)
    assert (note.pitch, note.velocity) == (60, 1)
    assert (note.onset_seconds, note.offset_seconds) == pytest.approx((4.0, 30.0))
    assert control.fractions == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
    assert set(model.frames) == {691}  # those with which the network was trained


def test_no_note_outlasts_the_clip() -> None:
    (note,) = network(HeldNote()).notes(noise(20.0), RecordingControl())
    assert note.offset_seconds == pytest.approx(20.0)


def test_a_job_is_cancelled_between_windows() -> None:
    model = HeldNote()
    with pytest.raises(Cancelled):
        network(model).notes(noise(35.0), RecordingControl(cancel_at=2))
    assert len(model.begins) == 2


def test_a_network_that_fails_is_an_engine_that_failed() -> None:
    class Broken(HeldNote):
        def transcribeFrames(self, *_: object, **__: object) -> tuple[list[list[SimpleNamespace]], list[int]]:  # noqa: N802
            raise RuntimeError("no kernel")

    with pytest.raises(EngineFailed, match="no kernel"):
        network(Broken()).notes(noise(3.0), RecordingControl())


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_silence_is_not_shown_to_the_network(seconds: float) -> None:
    model = HeldNote()
    silence = ArraySignal(np.zeros((round(seconds * RATE_HZ), 1), np.float32), RATE_HZ)
    assert network(model).notes(silence, RecordingControl()) == []
    assert model.begins == []
