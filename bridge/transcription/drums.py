"""Drum stems: kick, snare and hi-hat, told apart by what sounds after each onset. No network, nothing to load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from bridge.model import Note
from bridge.transcription.bands import Bands, analyse
from bridge.transcription.loudness import velocities

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

Numbers: TypeAlias = npt.NDArray[np.float64]
Frames: TypeAlias = npt.NDArray[np.intp]
Choice: TypeAlias = npt.NDArray[np.bool_]

SAMPLE_RATE_HZ = 44100


@dataclass(frozen=True)
class Drum:
    """One piece of the kit, as its sound and as General MIDI names it."""

    key: int
    low_hz: float
    high_hz: float
    length_seconds: float
    body_seconds: tuple[float, float]
    """The stretch after its onset in which it still sounds, and the clicks of the others are over."""
    least_body: float
    """The softest hit, as a share of its loud one."""


#: Kick, snare, closed hi-hat: the columns of every array here.
KIT = (
    Drum(key=36, low_hz=0.0, high_hz=150.0, length_seconds=0.1, body_seconds=(0.02, 0.06), least_body=0.3),
    Drum(key=38, low_hz=1000.0, high_hz=5000.0, length_seconds=0.08, body_seconds=(0.02, 0.06), least_body=0.25),
    Drum(key=42, low_hz=7000.0, high_hz=22050.0, length_seconds=0.06, body_seconds=(0.015, 0.04), least_body=0.12),
)
KICK, SNARE, HAT = range(3)

#: The kit cannot be struck again so soon.
DEAD_SECONDS = 0.045
#: The first of a stroke's rises counts, even where a later one is higher, from this share of it.
PRELUDE = 0.3
#: What sounded just before a stroke has gone down to this share while the stroke's body is measured.
BEFORE_SECONDS = (-0.04, -0.02)
LEFT_FROM_BEFORE = 0.5
#: A band's loud hit is this percentile of its own.
LOUD_PERCENTILE = 90
#: The least rise, all bands together, as a share of the loud one and as a multiple of the stem's restlessness in its
#: quieter moments.
LEAST_RISE = 0.12
LEAST_OVER_QUIET = 4.0
QUIET_PERCENTILE = 20
#: From this share of a drum's loud rise on, a rise is a stroke; a lesser one only where the drum then sounds by the
#: factor louder than before. The wash of a cymbal or a room murmurs, and gets softer.
SURE_RISE = 0.2
CLEAR = 2.0
#: A band whose loud body is a smaller share of the loudest band's holds no drum, only the spill of the others.
LEAST_BAND = 0.04
#: The snares' wires sound in the hat's band too, by at least this share of the snare's own; a kick or tom does not.
WIRES = 0.25
#: A second drum in the same moment must be full-sized: its body against the loud one.
FULL_SIZE = 0.5
#: Rises below this are silence: a click of -60 dBFS has about 1.
SILENCE = 0.1


class DrumOnsets:
    """A `Transcriber` for drum stems."""

    name = "drum-onsets"
    sample_rate_hz = SAMPLE_RATE_HZ

    def transcribe(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        """The hits of `audio` (1 channel, 44 100 Hz) on the keys of `KIT`, by onset, then key."""
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"the drum transcriber takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        notes = hits(analyse(audio, [(drum.low_hz, drum.high_hz) for drum in KIT], control))
        control.checkpoint(1.0)
        return notes


def hits(bands: Bands) -> list[Note]:
    """The notes of a kit by onset, then key; those of one drum never overlap."""
    moments = onset_frames(bands)
    if not len(moments):
        return []
    rises = _rises(bands, moments)
    struck, bodies = classify(bands, moments, rises)
    notes: list[Note] = []
    for column, drum in enumerate(KIT):
        chosen = struck[:, column]
        # A rise is steepest half a frame before the frame that has seen all of it.
        onsets = np.maximum(0.0, (moments[chosen] - 0.5) / bands.frame_rate_hz)
        ends = np.minimum(onsets + drum.length_seconds, np.append(onsets[1:], bands.duration_seconds))
        levels = 20 * np.log10(np.maximum(rises[chosen, column], SILENCE))
        for onset, end, velocity, body in zip(
            onsets.tolist(), ends.tolist(), velocities(levels).tolist(), bodies[chosen, column].tolist(), strict=True
        ):
            sure = min(1.0, body)
            notes.append(
                Note(onset_seconds=onset, offset_seconds=end, pitch=drum.key, velocity=velocity, confidence=sure)
            )
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def onset_frames(bands: Bands) -> Frames:
    """Frames in which the kit is struck, at least the dead time apart: (moments,)."""
    if not bands.frames or bands.rise.max() < SILENCE:
        return np.zeros(0, np.intp)
    # Each band by its own loud rise, so that a soft hat counts beside a loud kick.
    loud = np.array([_loud(bands.rise[find_peaks(column)[0], band]) for band, column in enumerate(bands.rise.T)])
    heard = loud >= max(SILENCE, LEAST_BAND * float(loud.max()))
    total = (bands.rise[:, heard] / loud[heard]).max(axis=1, initial=0.0)
    least = max(LEAST_RISE, LEAST_OVER_QUIET * float(np.percentile(total, QUIET_PERCENTILE)))
    walled = np.pad(total, 1)
    candidates = find_peaks(walled, height=least)[0] - 1
    dead = max(1, round(DEAD_SECONDS * bands.frame_rate_hz))
    moments: list[int] = []
    for frame in candidates.tolist():
        if moments and frame < moments[-1] + dead:
            continue
        # The click of a kick comes before its body: the first rise of a stroke counts, unless it is a mere murmur.
        if total[frame] >= PRELUDE * total[frame : frame + dead].max():
            moments.append(frame)
    return np.array(moments, np.intp)


def classify(bands: Bands, moments: Frames, rises: Numbers) -> tuple[Choice, Numbers]:
    """Which drums are struck in each moment, and their bodies against the loud ones: (moments, drums) both."""
    before = _mean_level(bands, moments, BEFORE_SECONDS)
    after = np.stack([_mean_level(bands, moments, drum.body_seconds)[:, column] for column, drum in enumerate(KIT)], 1)
    body = np.maximum(after - LEFT_FROM_BEFORE * before, 0.0)
    loud = np.array([_loud(column) for column in body.T])
    playing = loud >= max(SILENCE, LEAST_BAND * float(loud.max()))
    size = np.where(playing, body / np.maximum(loud, SILENCE), 0.0)
    struck = size >= np.array([drum.least_body for drum in KIT])
    rise = rises / np.maximum([_loud(column) for column in rises.T], SILENCE)
    struck &= (rise >= SURE_RISE) | ((rise >= LEAST_RISE) & (after >= CLEAR * before))
    struck[:, SNARE] &= body[:, HAT] >= WIRES * body[:, SNARE]
    snare = struck[:, SNARE].copy()
    struck[:, KICK] &= ~snare | (size[:, KICK] >= FULL_SIZE)
    # The snare's wires hide whether a hat sounds with it. One that plays a pattern of its own is taken to go on.
    alone = struck[:, HAT] & ~snare
    goes_on = np.count_nonzero(alone) > np.count_nonzero(snare)
    struck[:, HAT] &= ~snare | (goes_on & (size[:, HAT] >= FULL_SIZE))
    return struck, size


def _loud(sizes: npt.NDArray[np.floating]) -> float:
    """The loud one among the sizes that stand out at all; 0 where there are none."""
    if not len(sizes):
        return 0.0
    return float(np.percentile(sizes[sizes >= LEAST_RISE * sizes.max()], LOUD_PERCENTILE))


def _rises(bands: Bands, moments: Frames) -> Numbers:
    """The steepest rise of every band around each moment, since they do not all peak in one frame: (moments, drums)."""
    around = np.clip(moments[:, np.newaxis] + np.arange(-2, 7), 0, bands.frames - 1)
    return np.asarray(bands.rise[around].max(axis=1), np.float64)


def _mean_level(bands: Bands, moments: Frames, stretch_seconds: tuple[float, float]) -> Numbers:
    """Mean level of every band in a stretch of time around each moment, the clip's edges held: (moments, drums)."""
    first, last = (round(seconds * bands.frame_rate_hz) for seconds in stretch_seconds)
    around = moments[:, np.newaxis] + np.arange(first, last + 1)
    held = bands.level[np.clip(around, 0, bands.frames - 1)].astype(np.float64)
    held[around < 0] = 0.0  # nothing sounds before the clip
    return np.asarray(held.mean(axis=1))
