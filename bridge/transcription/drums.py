"""Drum stems: which drums of a kit each stroke is made of, and how loud they are. No network, nothing to load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.model import Note
from bridge.transcription.bands import BANDS, CENTRES_HZ, Bands, analyse
from bridge.transcription.explaining import Palette, adapted, explain, general
from bridge.transcription.kit import CLOSED_HAT, CRASH, KICK, KIT, OPEN_HAT, SAMPLE_RATE_HZ, SNARE, TOM, TOM_KEYS
from bridge.transcription.loudness import velocities
from bridge.transcription.strokes import STRETCHES, Frames, Numbers, Strokes, lasting, listen, stroke_frames

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

Choice: TypeAlias = npt.NDArray[np.bool_]

#: The recording's own sounds are learnt from so many strokes at most.
LEARNT_FROM = 1500
#: Strokes explained together.
BLOCK_STROKES = 2048
#: A stroke of which general sounds leave more unexplained, while it lasts as a tone does, is none of a kit's.
MOST_STRANGE, STRUCK_IS_OVER = 0.8, 0.5
#: Where half of the strokes are stranger than this and last, as a voice's and a violin's do, the stem is no drum stem,
#: and only what is most like a drum is one.
STRANGE_STEM, LASTING_STEM, MOST_STRANGE_THERE = 0.7, 0.6, 0.45
#: A stroke that leaves more of itself unexplained is none of a drum.
MOST_UNEXPLAINED = 0.8
#: What is softer must fit better: a drum of gain g, as a share of its loud stroke's, leaves at most a + b · g, or this
#: many times what its loud strokes leave. Cymbals, of which bleeding covers more, may leave more. Where half of all
#: strokes leave more than `MISFIT`, the sounds fit the recording badly, and how well one fits tells nothing.
MOST_UNEXPLAINED_SOFT = {False: (0.15, 0.6), True: (0.35, 1.0)}
AS_MUCH_AS_LOUD, LOUD_SHARE, MISFIT = 1.5, 0.5, 0.4
#: The softest stroke of a drum, as a share of its loud one.
LEAST_GAIN = 0.05
#: What all bands together gain in a stroke, as a share of a loud one; and the least scale of a band.
LEAST_STRENGTH, LEAST_SCALE = 0.06, 0.1
LOUD_PERCENTILE = 90
#: A cymbal that is hit more often than every so many seconds is no crash, however long it rings.
CRASH_SECONDS = 1.5
#: A hat plays more than this share of its strokes with the snare only where it is none.
MOST_WITH_SNARE = 0.8
#: A snare plays more than this share of its strokes that are softer than this share of its loud one with the kick only
#: where they are none.
MOST_WITH_KICK, SOFT_SNARE = 0.8, 0.4
#: Two intervals are the same within this share.
SAME_INTERVAL = 0.2
LONGEST_INTERVAL_SECONDS = 0.8

COLUMNS = {drum: column for column, drum in enumerate(KIT)}


class DrumOnsets:
    """Hears the strokes of drum stems."""

    name = "drum-onsets"
    sample_rate_hz = SAMPLE_RATE_HZ

    def transcribe(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        """The hits of `audio` (1 channel, 44 100 Hz) on the keys of `KIT` and `TOM_KEYS`, by onset, then key."""
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"the drum transcriber takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        notes = hits(analyse(audio, control))
        control.checkpoint(1.0)
        return notes


def hits(bands: Bands) -> list[Note]:
    """The notes of a kit by onset, then key; those of one key never overlap."""
    frames = stroke_frames(bands)
    if not len(frames):
        return []
    frames, following = _like_drums(bands, *_worth_a_look(bands, frames))
    if not len(frames):
        return []
    palette = adapted(_some(bands, frames, following))
    gains, sureness, heights = _played(bands, frames, following, palette)
    # A rise is steepest half a frame before the frame that has seen all of it.
    onsets = np.maximum(0.0, (frames - 0.5) / bands.frame_rate_hz)
    gains = _as_played(gains, onsets)
    notes: list[Note] = []
    for drum, column in COLUMNS.items():
        struck = np.flatnonzero(gains[:, column] > 0)
        keys = _tom_keys(heights[struck]) if drum is TOM else np.full(len(struck), drum.key)
        loudness = velocities(20 * np.log10(gains[struck, column]))
        for key in np.unique(keys).tolist():
            here = keys == key
            moments = onsets[struck[here]]
            ends = np.minimum(moments + drum.length_seconds, np.append(moments[1:], bands.duration_seconds))
            rows = zip(
                moments.tolist(), ends.tolist(), loudness[here].tolist(), sureness[struck[here]].tolist(), strict=True
            )
            notes += [
                Note(onset_seconds=onset, offset_seconds=end, pitch=key, velocity=velocity, confidence=sure)
                for onset, end, velocity, sure in rows
                if onset < end
            ]
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def _worth_a_look(bands: Bands, frames: Frames) -> tuple[Frames, Frames]:
    """Those frames, and the ones that follow them, in which enough sounds; the rest would only cut others short."""
    following = np.append(frames[1:], bands.frames)
    strength = np.zeros(len(frames))
    scale = np.maximum(bands.level[frames].max(axis=0), LEAST_SCALE * bands.level[frames].max())
    for rows in _blocks(len(frames)):
        added = listen(bands, frames[rows], following[rows]).added
        strength[rows] = (added.reshape(-1, len(STRETCHES), BANDS) / scale).max(axis=1).sum(axis=1)
    kept = frames[strength >= LEAST_STRENGTH * np.percentile(strength, LOUD_PERCENTILE)]
    return kept, np.append(kept[1:], bands.frames)


def _like_drums(bands: Bands, frames: Frames, following: Frames) -> tuple[Frames, Frames]:
    """Those frames, and the ones that follow them, whose sound is that of some kit; what a recording's own sounds are
    learnt from must not be a voice."""
    palette = general(_some(bands, frames, following))
    strange, left = np.zeros(len(frames)), np.zeros(len(frames))
    for rows in _blocks(len(frames)):
        strokes = listen(bands, frames[rows], following[rows])
        _, strange[rows] = explain(strokes, palette)
        left[rows] = lasting(strokes, palette.scale)
    like = (strange <= MOST_STRANGE) | (left <= STRUCK_IS_OVER)
    if np.median(strange) > STRANGE_STEM and np.median(left) > LASTING_STEM:
        like = strange <= MOST_STRANGE_THERE
    kept = frames[like]
    return kept, np.append(kept[1:], bands.frames)


def _some(bands: Bands, frames: Frames, following: Frames) -> Strokes:
    """`LEARNT_FROM` of the strokes at most, evenly taken from all of them."""
    some = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), LEARNT_FROM)).astype(np.intp))
    return listen(bands, frames[some], following[some])


def _played(bands: Bands, frames: Frames, following: Frames, palette: Palette) -> tuple[Numbers, Numbers, Numbers]:
    """Gain of each drum in each stroke, 0 where it is not struck: (strokes, drums); how sure, 0–1: (strokes,); and
    where a tom that is struck lies, in Hz: (strokes,)."""
    gains = np.zeros((len(frames), len(KIT)))
    sureness, unexplained, heights = np.zeros((3, len(frames)))
    surprises = np.array([sound.drum.surprise for sound in palette.sounds])
    columns = np.array([COLUMNS.get(sound.drum, len(KIT)) for sound in palette.sounds])
    for rows in _blocks(len(frames)):
        strokes = listen(bands, frames[rows], following[rows])
        found, cost = explain(strokes, palette)
        unexplained[rows] = cost - (found > 0) @ surprises
        found[cost > MOST_UNEXPLAINED] = 0
        for drum in range(len(KIT)):
            gains[rows, drum] = found[:, columns == drum].sum(axis=1)
        sureness[rows] = np.clip(1 - cost, 0.0, 1.0)
        heights[rows] = _heights(strokes)
    usual = float(np.median(unexplained))
    for kind, column in zip(KIT, gains.T, strict=True):
        share = column / max(_loud(column), 1e-12)
        least, more = MOST_UNEXPLAINED_SOFT[kind.is_cymbal]
        loud = unexplained[share > LOUD_SHARE]
        allowed = np.maximum(least + more * share, AS_MUCH_AS_LOUD * float(np.median(loud)) if len(loud) else 0.0)
        if usual > MISFIT:
            allowed[:] = MOST_UNEXPLAINED
        column[(share < LEAST_GAIN) | (unexplained > allowed)] = 0
    return gains, sureness, heights


def _blocks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK_STROKES, count)) for first in range(0, count, BLOCK_STROKES))


def _loud(gains: Numbers) -> float:
    """The loud one among the gains that stand out at all; 0 where there are none."""
    out = gains[gains > LEAST_GAIN * gains.max()] if len(gains) else gains
    return float(np.percentile(out, LOUD_PERCENTILE)) if len(out) else 0.0


def _as_played(gains: Numbers, onsets: Numbers) -> Numbers:
    """The gains after what is known of how kits are played, which no single stroke tells."""
    gains = _no_hats_of_wires(_no_snares_of_beaters(_no_incessant_crash(gains, onsets)))
    return _hats_that_go_on(gains, onsets)


def _no_incessant_crash(gains: Numbers, onsets: Numbers) -> Numbers:
    crash, hat = COLUMNS[CRASH], COLUMNS[OPEN_HAT]
    struck = gains[:, crash] > 0
    moments = onsets[struck]
    if len(moments) > 2 and (moments[-1] - moments[0]) / (len(moments) - 1) < CRASH_SECONDS:
        gains[struck, hat] = gains[struck, crash]
        gains[struck, crash] = 0
    return gains


def _no_snares_of_beaters(gains: Numbers) -> Numbers:
    """Soft snares that are hardly ever heard but with the kick are what is bright in the kick."""
    kick, snare = gains[:, COLUMNS[KICK]] > 0, gains[:, COLUMNS[SNARE]]
    soft = (snare > 0) & (snare < SOFT_SNARE * _loud(snare))
    if np.count_nonzero(soft & kick) > MOST_WITH_KICK * np.count_nonzero(soft):
        snare[soft & kick] = 0
    return gains


def _no_hats_of_wires(gains: Numbers) -> Numbers:
    """A hat that is hardly ever heard but with the snare is what is bright in the snare."""
    hat, snare = gains[:, COLUMNS[CLOSED_HAT]] > 0, gains[:, COLUMNS[SNARE]] > 0
    if np.count_nonzero(hat & snare) > MOST_WITH_SNARE * np.count_nonzero(hat):
        gains[hat & snare, COLUMNS[CLOSED_HAT]] = 0
    return gains


def _hats_that_go_on(gains: Numbers, onsets: Numbers) -> Numbers:
    """A snare's wires hide whether a hat sounds with it. One that sounds as long before as after, in the interval that
    it mostly plays, is taken to go on."""
    hats = np.flatnonzero((gains[:, COLUMNS[CLOSED_HAT]] > 0) | (gains[:, COLUMNS[OPEN_HAT]] > 0))
    if len(hats) < 3:
        return gains
    interval = float(np.median(np.diff(onsets[hats])))
    closed = gains[:, COLUMNS[CLOSED_HAT]]
    usual = float(np.median(closed[closed > 0])) if (closed > 0).any() else 0.0
    cymbals = [column for drum, column in COLUMNS.items() if drum.is_cymbal]
    for stroke in np.flatnonzero((gains[:, COLUMNS[SNARE]] > 0) & ~(gains[:, cymbals] > 0).any(axis=1)):
        after = int(np.searchsorted(hats, stroke))
        if 0 < after < len(hats):
            steps = np.array([onsets[stroke] - onsets[hats[after - 1]], onsets[hats[after]] - onsets[stroke]])
            regular = np.abs(steps - interval) <= SAME_INTERVAL * interval
            if regular.all() and interval <= LONGEST_INTERVAL_SECONDS:
                closed[stroke] = usual
    return gains


def _heights(strokes: Strokes) -> Numbers:
    """Where most of each stroke's body lies below 500 Hz: (strokes,), in Hz."""
    low = CENTRES_HZ < 500
    body = strokes.added.reshape(-1, len(STRETCHES), BANDS)[:, 2:4, low].sum(axis=1) ** 2
    logs = (body * np.log(CENTRES_HZ[low])).sum(axis=1) / np.maximum(body.sum(axis=1), 1e-12)
    return np.asarray(np.exp(logs))


def _tom_keys(heights: Numbers) -> Frames:
    """General MIDI's toms by how high they sound."""
    edges = [lowest for lowest, _ in TOM_KEYS]
    keys = np.array([key for _, key in TOM_KEYS])
    return np.asarray(keys[np.searchsorted(edges, heights, side="right") - 1], np.intp)
