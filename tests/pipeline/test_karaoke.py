"""Karaoke: vocals and instrumental, read back from their files, are the song again, for every engine and format."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from demucs.apply import BagOfModels

from bridge.audio.encoders import as_encoded
from bridge.audio.signal import ArraySignal
from bridge.errors import WeightsUnavailable
from bridge.model import Job
from bridge.options.table import OPTIONS
from bridge.protocols import Separator
from bridge.separation.draft.engine import DraftSeparator
from bridge.separation.registry import EngineRegistry
from bridge.stems import OPPOSITE_TABLE
from tests.separation.models import test_openunmix
from tests.support.bench import Bench
from tests.support.encoded import decoded
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.separators import OneEngine
from tests.support.small_models import locations_in, save_model, separator_of, small_model
from tests.support.sounds import Samples, level_dbfs, music, write

if TYPE_CHECKING:
    from bridge.separation.windowed.engine import WindowedSeparator

RATE = 44_100
#: A stem and its opposite are each rounded to the steps of the file, so their sum is at most one step off.
LOSSLESS_DBFS = -90.0
LOSSLESS = [(name, depth) for name in ("wav", "aiff", "flac") for depth in ("16", "24", "32f", "source")]
LOSSLESS.remove(("flac", "32f"))
#: Two encoders leave out what they think nobody hears, and not the same: the sum is the song only about as well as one
#: lossy file of it would be. On the demo's clip the difference is 23.5, 23.7, 28.2 and 25.9 dB below the song.
LOSSY_DB = {"mp3": -12.0, "ogg": -12.0, "m4a": -15.0, "opus": -12.0}


def a_model_of_the_users(folder: Path) -> Separator:
    locations = locations_in(folder)
    save_model(locations.models_dir / "mine", "955717e8", small_model("hybrid"))
    return EngineRegistry(locations.families, clock=FakeClock()).open("mine", "cpu", RecordingControl())


def open_unmix(folder: Path) -> Separator:
    if find_spec("openunmix") is None:
        pytest.skip("the extra umx is not installed")
    locations = locations_in(folder)
    test_openunmix.save_model(locations.models_dir / "unmix")
    return EngineRegistry(locations.families, clock=FakeClock()).open("unmix", "cpu", RecordingControl())


def bag(*kinds: str) -> Callable[[Path], WindowedSeparator]:
    def build(folder: Path) -> WindowedSeparator:
        del folder
        models = [small_model(kind, seed) for seed, kind in enumerate(kinds)]
        return separator_of(BagOfModels(models, np.eye(4).tolist() if len(kinds) == 4 else None))

    return build


def trained(name: str) -> Callable[[Path], Separator]:
    """An engine whose weights come with a package."""

    def build(folder: Path) -> Separator:
        registry = EngineRegistry(locations_in(folder).families, clock=FakeClock())
        try:
            return registry.open(name, "cpu", RecordingControl())
        except WeightsUnavailable:
            pytest.skip("the package with Spleeter's checkpoints is not installed")

    return build


ENGINES: dict[str, Callable[[Path], Separator]] = {
    "draft": lambda _: DraftSeparator(),
    "transformer": bag("transformer"),
    "hybrid": bag("hybrid"),
    "waveform": bag("waveform"),
    "specialists": bag("waveform", "waveform", "waveform", "waveform"),
    "user's model": a_model_of_the_users,
    "Open-Unmix": open_unmix,
    "spleeter": trained("spleeter"),
    "good": trained("good"),
}

#: No engine knows of files, and no format of engines: all formats for one, the coarsest and the finest for the others.
EVERY_ENGINE_AND_EVERY_FORMAT = [
    *(("draft", *files) for files in LOSSLESS),
    *((engine, *files) for engine in ENGINES if engine != "draft" for files in (("flac", "16"), ("wav", "32f"))),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Separator]:
    """Opens an engine by its name in `ENGINES`, once."""
    return cache(lambda name: ENGINES[name](tmp_path_factory.mktemp("models")))


def song(folder: Path, subtype: str = "PCM_16", channels: int = 2) -> Path:
    return write(folder / "song.wav", music(0.8, RATE, channels), RATE, subtype)


def karaoke(source: Path, engine: Separator, stem: str = "vocals", **options: object) -> Job:
    (opposite,) = [row.name for row in OPPOSITE_TABLE.values() if row.without == stem]
    job = Bench(OneEngine(engine)).run(source, stems=(stem, opposite), midi=(), **options)
    assert [result.name for result in job.results] == [stem, opposite]
    assert job.warnings == ()
    return job


def read_back(job: Job) -> list[Samples]:
    """The audio of the job's files, which has the rate and the frames that the results tell."""
    sounds = []
    for result in job.results:
        region, sound = decoded(Path(result.path))
        assert (region.audio.sample_rate_hz, sound.shape) == (
            result.sample_rate_hz,
            (result.frames, result.channels),
        )
        sounds.append(sound)
    return sounds


@pytest.mark.parametrize(("engine", "file_format", "depth"), EVERY_ENGINE_AND_EVERY_FORMAT)
def test_vocals_and_instrumental_are_the_song(
    tmp_path: Path, opened: Callable[[str], Separator], engine: str, file_format: str, depth: str
) -> None:
    source = song(tmp_path)
    job = karaoke(source, opened(engine), format=file_format, depth=depth)
    vocals, instrumental = read_back(job)
    assert level_dbfs(instrumental) > -40
    assert level_dbfs(vocals + instrumental - decoded(source)[1]) < LOSSLESS_DBFS


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("stem", ["vocals", "drums", "bass", "other"])
def test_every_stem_and_its_opposite_are_the_song(tmp_path: Path, stem: str, subtype: str) -> None:
    source = song(tmp_path, subtype)
    single, opposite = read_back(karaoke(source, DraftSeparator(), stem, start_seconds=0.2, end_seconds=0.7))
    part = decoded(source, 0.2, 0.7)[1]
    assert level_dbfs(single + opposite - part) < {"PCM_16": -90, "PCM_24": -135, "FLOAT": -135}[subtype]


@pytest.mark.parametrize("channels", [1, 3])
def test_it_holds_for_every_number_of_channels(tmp_path: Path, channels: int) -> None:
    source = song(tmp_path, "PCM_24", channels)
    vocals, instrumental = read_back(karaoke(source, DraftSeparator()))
    assert level_dbfs(vocals + instrumental - decoded(source)[1]) < LOSSLESS_DBFS


@pytest.mark.parametrize("engine", ["draft", "transformer"])
@pytest.mark.parametrize("file_format", LOSSY_DB)
def test_in_a_lossy_format_the_song_stays_in_place_and_loses_what_the_codec_leaves_out(
    tmp_path: Path, opened: Callable[[str], Separator], engine: str, file_format: str
) -> None:
    source = song(tmp_path)
    whole = as_encoded(file_format, ArraySignal(decoded(source)[1], RATE))
    job = karaoke(source, opened(engine), format=file_format)
    vocals, instrumental = read_back(job)
    assert {(result.sample_rate_hz, result.frames) for result in job.results} == {(whole.sample_rate_hz, whole.frames)}
    reference = whole.read(0, whole.frames)
    assert 20 * np.log10(np.std(vocals + instrumental - reference) / np.std(reference)) < LOSSY_DB[file_format]


def test_every_format_is_tried() -> None:
    choices = OPTIONS["format"].kind.range
    assert choices is not None
    assert set(choices.choices) == {name for name, _ in LOSSLESS} | LOSSY_DB.keys()
