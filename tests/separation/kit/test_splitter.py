"""A drum stem split at its hits: every drum in its own part, all of them the stem, whatever the stem is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled
from bridge.model import Note
from bridge.separation.kit import splitter
from bridge.separation.kit.drums import OPEN_HAT_SECONDS, hits_of
from bridge.separation.kit.splitter import split_kit
from bridge.stems import KIT, KIT_TABLE
from bridge.transcription.drums.kit import KIT as DETECTED
from bridge.transcription.drums.kit import TOM_KEYS
from bridge.transcription.drums.transcriber import DrumDetector
from tests.support.fakes import RecordingControl
from tests.support.instruments import DRUM_RATE_HZ, beat
from tests.support.sounds import Samples, level_dbfs

KICK, SNARE, CLOSED, OPEN, CRASH = 36, 38, 42, 46, 49


def hit(key: int, onset: float, velocity: int = 100) -> Note:
    return Note(onset_seconds=onset, offset_seconds=onset + 0.1, pitch=key, velocity=velocity)


def split(samples: Samples, notes: list[Note], rate_hz: int = DRUM_RATE_HZ) -> dict[str, Samples]:
    blocks = [*split_kit(ArraySignal(samples, rate_hz), notes, RecordingControl())]
    return {part: np.concatenate([samples[:0], *(block[part] for block in blocks)]) for part in KIT}


def sdr_db(true: Samples, found: Samples) -> float:
    return float(10 * np.log10(np.square(true).sum() / np.square(true - found).sum()))


def test_every_drum_goes_into_its_own_part() -> None:
    """With the hits that the real transcriber finds; every snare is struck with a hat, in the same bands."""
    waves = {name: np.repeat(wave[:, np.newaxis], 2, 1).astype(np.float32) for name, wave in beat(4).items()}
    mix: Samples = np.asarray(np.sum([*waves.values()], axis=0), np.float32)
    notes = DrumDetector().transcribe(ArraySignal(mix[:, :1], DRUM_RATE_HZ), "drums", RecordingControl())
    found = split(mix, notes)
    gained = {name: sdr_db(wave, found[name]) - sdr_db(wave, mix) for name, wave in waves.items()}
    assert gained["kick"] > 20
    assert min(gained.values()) > 8
    for silent in ("toms", "cymbals"):
        assert level_dbfs(found[silent]) < level_dbfs(mix) - 30


def test_the_places_of_the_drums_are_kept() -> None:
    """Kick on the left, hats on the right: the parts stay there, though their masks are the same for both."""
    waves = beat(4)
    mix = np.stack([waves["kick"], waves["hats"]], 1).astype(np.float32)
    notes = [hit(CLOSED, 0.1 + 0.15 * step) for step in range(32)] + [hit(KICK, 0.1 + 0.6 * step) for step in range(8)]
    found = split(mix, notes)
    for part, near, far in (("kick", 0, 1), ("hats", 1, 0)):
        power = np.square(found[part]).sum(axis=0)
        assert power[near] > 100 * power[far]


stems = st.tuples(
    st.integers(0, 12_000), st.integers(1, 3), st.sampled_from((8000, 22_050, 44_100, 96_000)), st.integers(0, 9)
)
struck = st.lists(st.tuples(st.sampled_from((*(key for row in KIT_TABLE.values() for key in row.keys), 60)),
                            st.floats(0, 2), st.integers(1, 127)), max_size=12)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(stems, struck, st.sampled_from(("noise", "silence", "click", "level", "loud", "faint")))
def test_the_parts_sum_to_any_stem(
    stem: tuple[int, int, int, int], rows: list[tuple[int, float, int]], kind: str
) -> None:
    frames, channels, rate, seed = stem
    samples = np.random.default_rng(seed).standard_normal((frames, channels)).astype(np.float32) * 0.2
    if kind == "silence":
        samples[:] = 0
    elif kind == "click":
        samples[:] = 0
        samples[frames // 2 :][:1] = 1.0
    elif kind == "level":
        samples[:] = 0.7
    samples *= np.float32({"loud": 1e5, "faint": 1e-7}.get(kind, 1.0))
    found = split(samples, [hit(*row) for row in rows], rate)
    assert all(part.shape == samples.shape and np.isfinite(part).all() for part in found.values())
    assert np.abs(sum(found.values()) - samples).max(initial=0) <= 1e-5 * np.abs(samples).max(initial=0)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0])
def test_sections_join_without_a_seam(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Split in short sections, a stem is about what it is in one: nothing but the fitted gains may differ."""
    waves = beat(2)
    mix = np.sum([*waves.values()], axis=0)[:, np.newaxis].astype(np.float32)
    notes = DrumDetector().transcribe(ArraySignal(mix, DRUM_RATE_HZ), "drums", RecordingControl())
    whole = split(mix, notes)
    monkeypatch.setattr(splitter, "SECTION_SECONDS", seconds)
    monkeypatch.setattr(splitter, "LEARNT_SECTIONS", 1000)
    parts = split(mix, notes)
    assert level_dbfs(sum(parts.values()) - mix) < -110
    assert sdr_db(whole["kick"], parts["kick"]) > 15
    assert sdr_db(whole["snare"], parts["snare"]) > 12


def test_a_drum_that_is_heard_once_in_a_long_stem_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitter, "SECTION_SECONDS", 1.0)
    seconds, rng = 20, np.random.default_rng(3)
    crash = (0.3 * rng.standard_normal(DRUM_RATE_HZ) * np.exp(-4 * np.arange(DRUM_RATE_HZ) / DRUM_RATE_HZ))[
        :, np.newaxis
    ]
    kicks = np.zeros((seconds * DRUM_RATE_HZ, 1))
    once = kicks.copy()
    once[17 * DRUM_RATE_HZ :][: len(crash)] = crash
    low = np.sin(2 * np.pi * 60 * np.arange(8000) / DRUM_RATE_HZ) * np.exp(-np.arange(8000) / 2000)
    notes = [hit(CRASH, 17.0)]
    for onset in np.arange(0.25, seconds - 0.5, 0.5).tolist():
        kicks[round(onset * DRUM_RATE_HZ) :][: len(low), 0] = low
        notes.append(hit(KICK, onset))
    found = split((kicks + once).astype(np.float32), notes)
    assert sdr_db(once.astype(np.float32), found["cymbals"]) > 15


def test_an_open_hat_ends_where_the_next_hat_begins() -> None:
    first, second, third = hits_of([hit(OPEN, 0.0), hit(CLOSED, 0.2), hit(OPEN, 1.0)])
    assert 0.2 < first.seconds < 0.25
    assert second.seconds < 0.2
    assert third.seconds == OPEN_HAT_SECONDS


def test_every_key_that_the_transcriber_names_has_a_part() -> None:
    named = {drum.key for drum in DETECTED} | {key for _, key in TOM_KEYS}
    assert named <= {key for row in KIT_TABLE.values() for key in row.keys}


def test_it_stops_when_it_is_told_to() -> None:
    class Stopped(RecordingControl):
        def checkpoint(self, fraction: float) -> None:
            super().checkpoint(fraction)
            if fraction > 0.4:
                raise Cancelled

    with pytest.raises(Cancelled):
        [*split_kit(ArraySignal(np.zeros((40 * 8000, 1), np.float32), 8000), [hit(KICK, 1.0)], Stopped())]
