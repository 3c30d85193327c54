"""The posteriors of a bass that grows: the plain reading, the one an octave up, and the pitch that SwiftF0 follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.control import PartControl
from bridge.transcription.pitched.basic_pitch import SAMPLE_RATE_HZ, BasicPitch
from bridge.transcription.pitched.bass import bass_pitch, low_octave
from bridge.transcription.pitched.bass.sped_up import SpedUp
from bridge.transcription.pitched.bass.swift_f0 import PitchReading, PitchTrack, SwiftF0
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.reading import NetworkReading, PosteriorsReading

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Which part of the work is done after the first and the second reading.
PLAIN_SHARE, OCTAVE_SHARE = 0.6, 0.9
#: Where the frames of all three readings coincide, in those of the plain one.
GRID = low_octave.STEP * bass_pitch.STEP


class BassReading:
    """As `PosteriorsReading`, joined with the two further readings."""

    def __init__(self, network: BasicPitch, tracker: SwiftF0, audio: Signal) -> None:
        self.audio = audio
        self._plain = PosteriorsReading(network, audio)
        self._octave_up = SpedUp(audio, low_octave.STEP, low_octave.DRIVE, low_octave.EVEN)
        self._up = NetworkReading(network, self._octave_up)
        self._up_frames = 0
        self._twelfth_up = SpedUp(audio, bass_pitch.STEP, bass_pitch.DRIVE, bass_pitch.EVEN)
        self._track = PitchReading(tracker, self._twelfth_up, SAMPLE_RATE_HZ / bass_pitch.STEP)

    @property
    def frames(self) -> int:
        """How many frames are ready in all three; the joining of a frame looks at those after it."""
        if self._track.frames == self._track.frames_of_clip:
            return self._plain.frames
        tracked = bass_pitch.STEP * self._track.frames - bass_pitch.AFTER
        return max(0, min(self._plain.frames, low_octave.STEP * (self._up_frames - 1), tracked))

    def advance(self, known: int, control: Control) -> None:
        """Reads what the first `known` samples allow.

        Raises:
            EngineFailed: a network failed.
            Cancelled: from `control`.
        """
        self._plain.advance(known, PartControl(control, 0.0, PLAIN_SHARE))
        known_up = self._octave_up.known(known)
        self._up.advance(known_up, PartControl(control, PLAIN_SHARE, OCTAVE_SHARE))
        # Its windows are twice as long in the clip: what they hold back is looked at in advance.
        self._up_frames = self._up.look_ahead(known_up)
        self._track.advance(self._twelfth_up.known(known), PartControl(control, OCTAVE_SHARE, 1.0))

    def between(self, start: int, stop: int) -> Posteriors:
        """Frames `start`, a multiple of `GRID`, to `stop`, which are ready."""
        octave = slice(start // low_octave.STEP, -(-stop // low_octave.STEP) + 1)
        tracked = slice(start // bass_pitch.STEP, (stop + bass_pitch.AFTER) // bass_pitch.STEP + 1)
        arrays = (array[octave] for array in (self._up.note, self._up.onset, self._up.contour))
        both = low_octave.with_low_octave(self._plain.between(start, stop), *arrays)
        return bass_pitch.joined(both, PitchTrack(*(array[tracked] for array in self._track.track)))

    def whole(self) -> Posteriors:
        """The posteriors of the whole clip, once it is known."""
        return self.between(0, self._plain.frames)
