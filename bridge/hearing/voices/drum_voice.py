"""A track of drums: each General MIDI key is one of a few sounds, which are made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bridge.model import Note

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.protocols import Samples

    Wave: TypeAlias = npt.NDArray[np.float32]

LOUDEST = 0.4
#: Only the newest hits of a moment are heard.
MOST_HITS = 64
_ATTACK_SECONDS = 0.0008


class DrumVoice:
    """Implements `Voice` with percussion keys. A hit sounds as long as its drum does, whatever its note's length."""

    def __init__(self, notes: Sequence[Note], rate_hz: int) -> None:
        hits = sorted(notes, key=lambda note: note.onset_seconds)
        self._rate_hz = rate_hz
        self._starts = np.array([round(note.onset_seconds * rate_hz) for note in hits], np.int64)
        self._sounds = [drum_sound(note.pitch, rate_hz) for note in hits]
        self._gains = [LOUDEST * (note.velocity / 127) ** 1.4 for note in hits]
        self._longest = max((len(sound) for sound in self._sounds), default=0)
        self.frames = max((int(a) + len(b) for a, b in zip(self._starts, self._sounds, strict=True)), default=0)

    def read(self, start: int, stop: int) -> Samples:
        """See `Voice`."""
        mono = np.zeros(stop - start, np.float32)
        first = int(np.searchsorted(self._starts, start - self._longest, side="left"))
        last = int(np.searchsorted(self._starts, stop, side="left"))
        for index in range(max(first, last - MOST_HITS), last):
            begin = int(self._starts[index])
            part = self._sounds[index][max(0, start - begin) : stop - begin]
            at = max(0, begin - start)
            mono[at : at + len(part)] += self._gains[index] * part
        return np.repeat(mono[:, None], 2, axis=1)

    def close(self) -> None:
        """See `Voice`."""


@lru_cache(maxsize=256)
def drum_sound(key: int, rate_hz: int) -> Wave:
    """The sound of a General MIDI percussion key at full force: mono, within ±1, silent at both ends."""
    make, seconds = _SOUNDS.get(key, _OTHER)
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = make(times, np.random.default_rng(key))
    edges = np.clip(times / _ATTACK_SECONDS, 0.0, 1.0) * np.clip((seconds - times) / (0.1 * seconds), 0.0, 1.0)
    shaped = wave * edges
    sound: Wave = (shaped / max(1e-9, float(np.abs(shaped).max()))).astype(np.float32)
    return sound


Times: TypeAlias = "npt.NDArray[np.float64]"
Maker: TypeAlias = Callable[[Times, np.random.Generator], Times]


def _glide(times: Times, from_hz: float, to_hz: float, glide_seconds: float) -> Times:
    """A sine that falls from one frequency to another."""
    turns = to_hz * times + (from_hz - to_hz) * glide_seconds * (1.0 - np.exp(-times / glide_seconds))
    return np.sin(2 * np.pi * turns)


def _fall(times: Times, seconds: float) -> Times:
    falling: Times = np.exp(-times / seconds)
    return falling


def _high_noise(times: Times, random: np.random.Generator, order: int) -> Times:
    """Noise whose low part is taken away, the more the higher the order."""
    noise = np.diff(random.standard_normal(len(times) + order), n=order)
    return noise / 2.0**order


def _kick(times: Times, random: np.random.Generator) -> Times:
    click = _high_noise(times, random, 1) * _fall(times, 0.004)
    return _glide(times, 160.0, 48.0, 0.035) * _fall(times, 0.14) + 0.25 * click


def _snare(times: Times, random: np.random.Generator) -> Times:
    body = (_glide(times, 240.0, 185.0, 0.02) + 0.6 * _glide(times, 390.0, 330.0, 0.02)) * _fall(times, 0.06)
    return 0.7 * body + _high_noise(times, random, 1) * _fall(times, 0.09)


def _stick(times: Times, random: np.random.Generator) -> Times:
    wood = _glide(times, 1900.0, 1700.0, 0.01) * _fall(times, 0.012)
    return wood + 0.3 * _high_noise(times, random, 2) * _fall(times, 0.008)


def _clap(times: Times, random: np.random.Generator) -> Times:
    """Three pairs of hands, the last of which is the room's too."""
    hands: Times = np.zeros(len(times))
    for late, seconds in ((0.0, 0.008), (0.011, 0.008), (0.022, 0.09)):
        hands += np.where(times >= late, _fall(np.maximum(times - late, 0.0), seconds), 0.0)
    return _high_noise(times, random, 1) * hands


def _tom(times: Times, random: np.random.Generator, *, hertz: float) -> Times:
    skin = 0.15 * _high_noise(times, random, 1) * _fall(times, 0.012)
    return _glide(times, 1.6 * hertz, hertz, 0.05) * _fall(times, 0.22) + skin


def _metal(times: Times, random: np.random.Generator, *, fall_seconds: float, ring: float) -> Times:
    """Cymbals and hats: bright noise, and partials that are no harmonics."""
    partials = sum(np.sin(2 * np.pi * hertz * times) for hertz in (3170.0, 4230.0, 5410.0, 6390.0, 7870.0)) / 5
    return (_high_noise(times, random, 2) + ring * partials) * _fall(times, fall_seconds)


_TOM_HERTZ = {41: 75.0, 43: 90.0, 45: 110.0, 47: 130.0, 48: 155.0, 50: 185.0}
#: By key: how the sound is made, and how long it lasts in seconds.
_SOUNDS: dict[int, tuple[Maker, float]] = {
    35: (_kick, 0.5),
    36: (_kick, 0.5),
    37: (_stick, 0.08),
    38: (_snare, 0.35),
    39: (_clap, 0.35),
    40: (_snare, 0.35),
    **{key: (partial(_tom, hertz=hertz), 0.7) for key, hertz in _TOM_HERTZ.items()},
    **dict.fromkeys((42, 44), (partial(_metal, fall_seconds=0.03, ring=0.3), 0.15)),
    46: (partial(_metal, fall_seconds=0.16, ring=0.3), 0.6),
    **dict.fromkeys((49, 52, 55, 57), (partial(_metal, fall_seconds=0.5, ring=0.2), 1.8)),
    **dict.fromkeys((51, 53, 59), (partial(_metal, fall_seconds=0.25, ring=0.9), 1.0)),
}
_OTHER: tuple[Maker, float] = (_stick, 0.08)
