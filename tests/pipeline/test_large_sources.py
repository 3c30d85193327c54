"""What a job reads of its source: a short region of a large file costs what the region costs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bridge.errors import Cancelled
from bridge.pipeline.manifest import SourceRecord, decode_manifest
from bridge.pipeline.steps import opening
from bridge.system import files
from bridge.system.files import sha256_of
from tests.support.bench import Bench
from tests.support.sounds import music, read, write


def source_of(clip: Path, **region: float) -> SourceRecord:
    job = Bench().run(clip, stems=("bass",), midi=(), **region)
    assert job.state == "done"
    return decode_manifest((Path(job.output_dir) / "clip.sab.json").read_bytes()).source


@pytest.mark.skipif(not hasattr(os, "pread"), reason="sparse files")
def test_a_short_region_of_a_large_file_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write(tmp_path / "clip.wav", music(1.0))
    with clip.open("r+b") as file:
        file.seek(40)
        file.write((0xF0000000).to_bytes(4, "little"))  # the size of the samples
        file.truncate(0xF0000000 + 44)  # sparse: takes no disk space
    monkeypatch.setattr(opening, "sha256_of", lambda *_: pytest.fail("the whole file was read"))
    source = source_of(clip, start_seconds=0.5, end_seconds=0.6)
    assert (source.sha256, source.frames) == ("", 4410)
    samples = read(write(tmp_path / "short.wav", music(1.0)))[22_050:26_460]
    assert source.region_sha256 == hashlib.sha256(samples.astype("<f4").tobytes()).hexdigest()


def test_an_ordinary_file_is_recorded_by_its_bytes(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.wav", music(0.2))
    source = source_of(clip)
    assert (source.sha256, source.region_sha256) == (hashlib.sha256(clip.read_bytes()).hexdigest(), "")
    assert len(read(clip)) == source.frames


def test_hashing_a_file_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 << 20))
    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        sha256_of(tmp_path / "a", checkpoint)
    assert files.sha256_of(tmp_path / "a") == hashlib.sha256(bytes(3 << 20)).hexdigest()
