"""Songs with a human voice, sung or spoken, over a random backing: their four stems. Nothing was fitted to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.random_songs import random_song
from benchmarks.corpora.synthesis import RATE_HZ, SINGER, rendered
from benchmarks.corpora.voices import VOICES, in_a_room, spoken, sung
from bridge.stems import FOUR_STEMS

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Random songs with a part for a singer; odd seeds, which no other part of the bridge was fitted to.
SEEDS = tuple(seed for seed in range(1, 200, 2) if any(part.program == SINGER for part in random_song(seed).parts))[:14]
#: The voice's level in the mix, from quiet to loud, relative to the rest: in released songs it is about -6 to -2 dB.
LEVELS_DB = (-6.0, -4.0, -2.0)


def sung_song(number: int) -> tuple[str, dict[str, Samples]]:
    """Song `number` of `SEEDS`: its name and four stems. Even numbers are sung, odd ones spoken."""
    seed, voice = SEEDS[number], VOICES[number % len(VOICES)]
    song = random_song(seed)
    frames = round(SECONDS * RATE_HZ)
    stems = {stem: np.zeros((frames, 2), np.float32) for stem in FOUR_STEMS}
    sings = number % 2 == 0
    for part in song.parts:
        if part.program != SINGER or part.is_drums:
            stems[part.stem] += rendered(part, SECONDS)
        elif sings:
            lead = sung(part.notes, frames, voice, seed)
    if not sings:
        lead = spoken(frames, voice, seed)
    dry = in_a_room(lead, seed)
    backing = np.square(sum(stems.values())).mean()
    gain = np.sqrt(backing * 10 ** (LEVELS_DB[number // 2 % len(LEVELS_DB)] / 10) / np.square(dry).mean())
    stems["vocals"] = (dry * gain).astype(np.float32)
    return f"{'sung' if sings else 'spoken'} by {voice}, seed {seed}", stems
