"""The mix without one stem: exact, from every engine, with no more work than its stem needs, restored like a stem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from demucs.apply import BagOfModels

from bridge.audio.signal import ArraySignal
from bridge.errors import BadArguments
from bridge.model import Job
from bridge.pipeline.channels import audio_of, separated
from bridge.pipeline.manifest import decode_manifest
from bridge.pipeline.stems import chosen_stems
from bridge.stems import OPPOSITE_TABLE, STEMS, Opposite
from tests.support.bench import Bench, CachingBench, files
from tests.support.fakes import RecordingControl
from tests.support.requests import request_for
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.small_models import RATE_HZ, noise, separator_of, small_model
from tests.support.sounds import Samples, level_dbfs, music, read, write

FOUR = ("vocals", "drums", "bass", "other")


def separate(stems: tuple[str, ...], engine: SharesSeparator, sound: Samples) -> dict[str, Samples]:
    blocks = list(separated(engine, ArraySignal(sound, 44_100), stems, RecordingControl()))
    assert all(tuple(block) == stems for block in blocks)
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in stems}


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("opposite", OPPOSITE_TABLE.values(), ids=lambda row: row.name)
def test_an_opposite_is_the_mix_without_its_stem(opposite: Opposite, channels: int) -> None:
    name, stem = opposite.name, opposite.without
    sound, engine = music(0.2, channels=channels), SharesSeparator(dict.fromkeys(STEMS, 0.15))
    found = separate((stem, name), engine, sound)
    assert level_dbfs(found[stem]) > -40
    assert level_dbfs(found[stem] + found[name] - sound) < -120
    assert np.array_equal(separate((name,), engine, sound)[name], found[name])


def test_the_engine_is_asked_only_for_the_stems_that_an_opposite_lacks() -> None:
    engine = SharesSeparator()
    for stems in (("instrumental",), ("vocals", "instrumental"), ("no_drums", "instrumental"), ("no_other",)):
        separate(stems, engine, music(0.1))
    assert engine.asked == [("vocals",), ("vocals",), ("vocals", "drums"), ("vocals", "drums", "bass")]


class Counting:
    """A network that counts its windows."""

    def __init__(self, network: object) -> None:
        self._network = network
        self.windows = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._network, name)

    def estimate(self, planes: Samples) -> Samples:
        self.windows += 1
        return self._network.estimate(planes)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("stems", "at_work"),
    [
        (("vocals", "instrumental"), {"vocals"}),
        (("instrumental",), {"vocals"}),
        (("no_drums", "bass"), {"drums", "bass"}),
        (("no_other",), {"drums", "bass", "vocals"}),
    ],
)
def test_of_a_bag_only_the_networks_that_carry_weight_run(stems: tuple[str, ...], at_work: set[str]) -> None:
    """As in htdemucs_ft, which has one network for each stem."""
    bag = BagOfModels([small_model("waveform", seed) for seed in range(4)], np.eye(4).tolist())
    separator = separator_of(bag)
    networks = tuple(map(Counting, separator._networks))
    separator._networks = networks  # type: ignore[assignment]
    mix = noise(3 * RATE_HZ)
    blocks = list(separated(separator, ArraySignal(mix, RATE_HZ), stems, RecordingControl()))
    assert {source for source, network in zip(bag.sources, networks, strict=True) if network.windows} == at_work
    if stems[0] == "vocals":
        total = sum(np.concatenate([block[stem] for block in blocks]) for stem in stems)
        assert level_dbfs(total - mix) < -120


def test_an_engine_offers_the_opposites_of_its_own_stems() -> None:
    assert audio_of(SharesSeparator({"vocals": 0.5})) == ("vocals", "other", "instrumental", "no_other")
    assert audio_of(SharesSeparator({"kazoo": 0.5})) == ("kazoo", "other", "no_other")


@pytest.mark.parametrize(
    ("fields", "stems", "midi"),
    [
        ({}, FOUR, FOUR),
        ({"stems": ("instrumental",)}, ("instrumental",), ()),
        ({"stems": ("vocals", "instrumental")}, ("vocals", "instrumental"), ("vocals",)),
        ({"stems": ("instrumental",), "midi": ("all",)}, ("instrumental",), FOUR),
        ({"stems": ("instrumental",), "midi": ("bass",)}, ("instrumental",), ("bass",)),
        ({"stems": ()}, (), FOUR),
    ],
)
def test_notes_come_from_the_single_stems_that_are_written(
    fields: dict[str, object], stems: tuple[str, ...], midi: tuple[str, ...]
) -> None:
    assert chosen_stems(request_for("/a.wav", **fields), SharesSeparator()) == (stems, midi)


def test_an_engine_without_the_stem_has_no_opposite_of_it() -> None:
    with pytest.raises(BadArguments, match="not guitar, which no_guitar would lack"):
        chosen_stems(request_for("/a.wav", stems=("no_guitar",)), SharesSeparator())


def test_a_record_that_asks_for_notes_of_an_opposite_is_refused() -> None:
    """No face lets such a request through; a history may hold one."""
    with pytest.raises(BadArguments, match="bass and other, not instrumental"):
        chosen_stems(request_for("/a.wav", midi=("instrumental",)), SharesSeparator())


def test_a_job_writes_both_and_records_them(clip: Path) -> None:
    job = Bench().run(clip, stems=("vocals", "instrumental"))
    assert files(job) == ["clip (Instrumental).wav", "clip (Vocals).mid", "clip (Vocals).wav", "clip.sab.json"]
    named = [(result.kind, result.name) for result in job.results]
    assert named == [("stem", "vocals"), ("stem", "instrumental"), ("midi", "vocals")]
    record = decode_manifest((Path(job.output_dir) / "clip.sab.json").read_bytes())
    assert record.request["stems"] == ["vocals", "instrumental"]
    assert [result.name for result in record.results] == ["vocals", "instrumental", "vocals"]


@pytest.mark.parametrize("stems", [("instrumental",), ("vocals", "instrumental"), ("bass", "no_other")])
def test_opposites_are_restored_from_the_cache(tmp_path: Path, clip: Path, stems: tuple[str, ...]) -> None:
    def contents(job: Job) -> list[bytes]:
        return [Path(result.path).read_bytes() for result in job.results]

    bench = CachingBench(tmp_path / "cache")
    first = bench.run(clip, stems=stems)
    again, elsewhere = bench.run(clip, stems=stems), bench.run(clip, stems=stems, out=str(tmp_path / "here"))
    assert (first.state, len(bench.engine.asked)) == ("done", 1)
    assert again.results == first.results
    assert contents(elsewhere) == contents(first)


def test_a_folder_that_holds_an_opposite_is_left_alone(tmp_path: Path, clip: Path) -> None:
    theirs = tmp_path / "here" / "clip (Instrumental).wav"
    theirs.parent.mkdir()
    theirs.write_text("the user's own")
    job = Bench(OneEngine()).run(clip, stems=("instrumental",), out=str(theirs.parent))
    assert (Path(job.output_dir).name, theirs.read_text()) == ("here 2", "the user's own")


def test_if_an_opposite_would_clip_all_files_are_floats(tmp_path: Path) -> None:
    """The vocals are out of phase with the rest here, so the rest is louder than the mix."""
    sound = np.full((4410, 2), 0.9, np.float32)
    source = tmp_path / "loud.wav"
    write(source, sound)
    job = Bench(OneEngine(SharesSeparator({"vocals": -0.5, "drums": 0.5}))).run(
        source, stems=("vocals", "instrumental"), midi=()
    )
    assert [warning.code for warning in job.warnings] == ["would_clip"]
    assert "instrumental would clip" in job.warnings[0].message
    stems = [read(Path(result.path)) for result in job.results]
    assert {result.subtype for result in job.results} == {"FLOAT"}
    assert level_dbfs(sum(stems) - read(source)) < -120
