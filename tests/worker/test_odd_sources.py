"""Jobs whose clip is damaged, unusual, or written anew while it is read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bridge.pipeline.manifest import decode_manifest
from bridge.separation.draft.engine import DraftSeparator
from tests.audio.test_late_sound import movie
from tests.support.bench import Bench, files
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, read, write


def test_a_damaged_clip_makes_stems_and_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(1.0))
    path.write_bytes(path.read_bytes()[:100_000])
    job = Bench().run(path, midi=())
    assert (job.state, [warning.code for warning in job.warnings]) == ("done", ["cut_off"])
    assert decode_manifest((Path(job.output_dir) / "a.sab.json").read_bytes()).warnings == job.warnings


def test_the_manifest_says_when_the_sound_begins(tmp_path: Path) -> None:
    job = Bench().run(movie(tmp_path / "a.mov", codec="pcm_s16le"), midi=())
    assert [warning.code for warning in job.warnings] == ["late_sound"]
    source = decode_manifest((Path(job.output_dir) / "a.sab.json").read_bytes()).source
    assert (source.silent_frames, source.start_frame, source.frames) == (72_000, 0, 120_000)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_clip_that_is_rendered_anew_while_it_is_separated_is_refused(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a.{ending}", music(1.0))

    def render_anew(_: int) -> None:
        write(path, 0.5 * music(1.0))

    job = Bench(OneEngine(SharesSeparator(before_block=render_anew))).run(path, midi=())
    assert job.failure is not None
    assert job.failure.code == "not_readable"
    assert "changed" in job.failure.message
    assert files(job) == []


def test_a_clip_of_which_only_the_time_changes_is_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(1.0))
    job = Bench(OneEngine(SharesSeparator(before_block=lambda _: os.utime(path, (1, 1))))).run(path, midi=())
    assert job.state == "done"


@pytest.mark.parametrize("loud", [1e6, 1e19, 3e38])
def test_no_stem_has_samples_that_are_no_numbers(tmp_path: Path, loud: float) -> None:
    sound = music(1.0)
    sound[2000] = loud
    job = Bench(OneEngine(DraftSeparator())).run(write(tmp_path / "a.wav", sound, subtype="FLOAT"), midi=())
    assert job.state == "done"
    stems = [read(Path(result.path)) for result in job.results if result.kind == "stem"]
    assert stems
    assert all(np.isfinite(stem).all() for stem in stems)
