"""Runs transkun's network on a piano, window by window, and joins the notes of its windows.

The network (Yan and Duan, "Scoring Intervals Using Non-hierarchical Transformer for Automatic Piano Transcription",
ISMIR 2024) finds the notes of 16 s at once. Windows overlap by half: the second half of a window is context, which the
next one reads again.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from bridge.dsp.arrays import Floats
from bridge.dsp.padded_read import samples_between
from bridge.errors import EngineFailed, OutOfMemory
from bridge.model import Note
from bridge.system.memory import is_out_of_memory
from bridge.system.packages import stubbed_module
from bridge.transcription.piano.package import ADVICE, PianoPackage

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

SAMPLE_RATE_HZ = 44100
#: With one frame less the network misses two thirds of a bass.
WINDOW_SECONDS = 16.0
#: Seconds of silence before the clip in the first window.
LEAD_SECONDS = 1.0
#: The least time after a window's last note that the network needs to see.
TAIL_SECONDS = 0.5
#: What transkun calls the pedals among its pitches; the bridge writes none.
LOWEST, HIGHEST = 21, 108


@dataclass
class _Found:
    """A note of one window, in seconds of the clip."""

    start: float
    end: float
    pitch: int
    velocity: int
    begins: bool
    """It begins in this window; False: before it."""
    ends: bool


class PianoNetwork:
    """transkun's network, loaded. Not for use by two threads at once.

    Raises:
        EngineFailed: the package is broken.
    """

    def __init__(self, package: PianoPackage) -> None:
        try:
            self._model = _loaded(package)
        except Exception as exc:  # what a foreign package raises while it is imported shares no narrower base
            raise EngineFailed(f"transkun's network cannot be loaded: {exc}", advice=ADVICE) from exc

    def notes(self, audio: Signal, control: Control, window_seconds: float = WINDOW_SECONDS) -> list[Note]:
        """The notes of `audio` (1 channel, 44 100 Hz) by onset, then pitch; memory does not grow with its length.

        Args:
            window_seconds: the window's length. With any but the trained one the network is less sure.

        Raises:
            EngineFailed, OutOfMemory: the network failed.
            Cancelled: from `control`.
        """
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"transkun takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        joined = _Joined()
        duration = audio.frames / SAMPLE_RATE_HZ
        for window in self._windows(audio, control, window_seconds):
            joined.add(window)
        return joined.notes(duration)

    def _windows(self, audio: Signal, control: Control, window_seconds: float) -> Iterator[list[_Found]]:
        """The notes of each window."""
        hop = self._model.hopSize
        size = round(window_seconds * SAMPLE_RATE_HZ)
        step = size // 2 // hop * hop
        start = -round(LEAD_SECONDS * SAMPLE_RATE_HZ / hop) * hop
        last = max(start, audio.frames + round(TAIL_SECONDS * SAMPLE_RATE_HZ) - size)
        count = 1 - (start - last) // step
        begin: list[int] = [0] * len(self._model.targetMIDIPitch)
        for number in range(count):
            control.checkpoint(number / count)
            samples = samples_between(audio, start, start + size)
            events, ended = self._read(samples, begin) if samples.any() else ([], begin)
            begin = [max(0, frame - step // hop) for frame in ended]
            at = start / SAMPLE_RATE_HZ
            yield [
                _Found(at + event.start, at + event.end, event.pitch, event.velocity, event.hasOnset, event.hasOffset)
                for event in events
                if LOWEST <= event.pitch <= HIGHEST
            ]
            start += step
        control.checkpoint(1.0)

    def _read(self, samples: Floats, begin: list[int]) -> tuple[list[Any], list[int]]:
        """The package's notes of a window, and the frame up to which each pitch is finished.

        Args:
            begin: the frame from which on each pitch is still open.
        """
        half, hop = self._model.windowSize // 2, self._model.hopSize
        padded = torch.nn.functional.pad(torch.from_numpy(samples), (half, half + -len(samples) % hop))
        frames = padded.unfold(0, 2 * half, hop)[None, None]
        try:
            with torch.inference_mode():
                events, ended = self._model.transcribeFrames(
                    frames, forcedStartPos=begin, lastFrameIdx=round(len(samples) / hop)
                )
        except Exception as exc:  # torch's errors share no narrower base
            if is_out_of_memory(exc):
                raise OutOfMemory("The memory was full while the piano was read.") from exc
            raise EngineFailed(f"transkun's network failed: {exc}") from exc
        return events[0], ended


class _Joined:
    """Joins windows: what a later window says of a note counts, since it sees more of what follows."""

    def __init__(self) -> None:
        self._by_pitch: dict[int, list[_Found]] = {}

    def add(self, window: Iterable[_Found]) -> None:
        for note in sorted(window, key=lambda note: note.start):
            known = self._by_pitch.setdefault(note.pitch, [])
            overlaps = bool(known) and note.start < known[-1].end
            if overlaps and note.begins:
                known[-1] = note
            elif overlaps:
                known[-1].ends, known[-1].end = note.ends, max(known[-1].end, note.end)
            elif note.begins:
                known.append(note)

    def notes(self, duration: float) -> list[Note]:
        """The notes within `duration` seconds by onset, then pitch; two of one pitch never overlap."""
        notes = []
        for known in self._by_pitch.values():
            for index, note in enumerate(known):
                following = known[index + 1].start if index + 1 < len(known) else duration
                onset, offset = max(0.0, note.start), min(note.end, following, duration)
                if onset < offset and (note.ends or index + 1 == len(known)):
                    velocity = min(max(note.velocity, 1), 127)
                    notes.append(Note(onset_seconds=onset, offset_seconds=offset, pitch=note.pitch, velocity=velocity))
        return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def _loaded(package: PianoPackage) -> Any:
    """The package's network with its weights.

    The package imports libraries for its training and evaluation, which the bridge has no use for: empty modules stand
    in for them. Its mel filters come from torchaudio, but also with the weights.
    """
    content = json.loads(package.configuration.read_text(encoding="utf-8"))["Model"]["config"]
    weights = torch.load(package.checkpoint, map_location="cpu", weights_only=True)["state_dict"]

    def mel_filters(n_freqs: int, n_mels: int, **_: object) -> torch.Tensor:
        return torch.zeros(n_freqs, n_mels)

    with ExitStack() as stubs, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package compiles a function with torch.jit
        for name in ("pretty_midi", "mir_eval"):
            stubs.enter_context(stubbed_module(name))
        audio = stubs.enter_context(stubbed_module("torchaudio"))
        functional = stubs.enter_context(stubbed_module("torchaudio.functional"))
        if audio is not None and functional is not None:
            audio.functional, functional.melscale_fbanks = functional, mel_filters  # type: ignore[attr-defined]
        from transkun.ModelTransformer import ModelConfig, TransKun  # type: ignore[import-untyped]

        configuration = ModelConfig()
        for name in vars(configuration).keys() & content.keys():
            setattr(configuration, name, content[name])
        model = TransKun(configuration)
    model.load_state_dict(weights)
    model.backbone.useGradientCheckpoint = False  # saves memory in training
    if (model.fs, model.segmentSizeInSecond) != (SAMPLE_RATE_HZ, WINDOW_SECONDS):
        raise ValueError(f"it reads {model.segmentSizeInSecond} s at {model.fs} Hz")
    return model.eval()
