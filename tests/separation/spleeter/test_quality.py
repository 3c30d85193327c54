"""How well `good` takes the voice out: on the demo's clip, and on recordings where this machine has some."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from bridge.audio.signal import ArraySignal
from bridge.separation.draft.engine import DraftSeparator
from tests.support.fakes import RecordingControl

if TYPE_CHECKING:
    from bridge.protocols import Samples, Separator

VOICE = Path(__file__).parents[2] / "data" / "demo_voice.ogg"
#: Recordings that are not part of the project; each folder has the mix and its stems.
RECORDINGS = sorted((Path(__file__).parents[4] / "shared" / "audio" / "stems").glob("*/vocals.flac"))


def demo() -> tuple[Samples, Samples]:
    """The demo's clip and the voice in it."""
    with as_file(files("bridge.demo") / "clip.ogg") as clip:
        mix, _ = soundfile.read(str(clip), dtype="float32")
    voice, _ = soundfile.read(str(VOICE), dtype="float32")
    return mix, voice


def recorded(vocals: Path) -> tuple[Samples, Samples]:
    """A recording's mix and vocals, at 44.1 kHz."""
    (mix, rate_hz), (voice, _) = (
        soundfile.read(str(path), dtype="float32", always_2d=True) for path in (vocals.with_name("mix.flac"), vocals)
    )
    assert rate_hz == 44100
    return np.repeat(mix, 2 // mix.shape[1], axis=1), np.repeat(voice, 2 // voice.shape[1], axis=1)


def distortion_db(true: Samples, estimate: Samples) -> float:
    """Signal-to-distortion ratio: 10 log10(sum s² / sum (s - ŝ)²)."""
    return float(10 * np.log10(np.square(true).sum() / np.square(true - estimate).sum()))


def vocals_of(separator: Separator, mix: Samples) -> Samples:
    blocks = separator.separate(ArraySignal(mix, 44100), ["vocals"], RecordingControl())
    return np.concatenate([block["vocals"] for block in blocks])


@pytest.mark.parametrize("vocals", [None, *RECORDINGS], ids=lambda path: "demo" if path is None else path.parent.name)
def test_the_vocals_are_4_db_better_than_those_of_draft(vocals: Path | None, good: Separator) -> None:
    mix, voice = demo() if vocals is None else recorded(vocals)
    trained = distortion_db(voice, vocals_of(good, mix))
    assert trained > 9
    assert trained > distortion_db(voice, vocals_of(DraftSeparator(), mix)) + 4
