"""A sample of the simulated library; `python -m tests.reliability.library` has 100 000 songs."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest

from tests.reliability.library import Figures, check, simulate

#: Where 16 000 small files take no time; Linux has it.
MEMORY = Path("/dev/shm")
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_two_thousand_songs_and_four_kills_lose_nothing() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        figures = simulate(Path(folder), songs=2000, kills=4, seed=20)
    assert figures.is_right, figures
    assert figures.kills == 4
    assert 10 < figures.failed < 100
    first, *_, last = figures.memory_mb.values()
    assert last - first < 8.0, figures.memory_mb


def test_what_is_lost_twice_or_half_is_counted(tmp_path: Path) -> None:
    song = tmp_path / "music" / "song 1.wav"
    results = tmp_path / "out" / "music" / "song 2"
    for folder in (song.parent, results, tmp_path / "out" / "music" / "song 2 2"):
        folder.mkdir(parents=True)
    song.touch()
    song.with_name("song 2.wav").touch()
    (results / ".x.partial").touch()
    (results / "song 2.sab.json").write_text(json.dumps({"source": {"path": str(song.with_name("song 2.wav"))}}))
    (tmp_path / "computed").write_text("a\na\n")
    figures = Figures(songs=2)
    check(tmp_path, figures)
    assert (figures.done, figures.missing, figures.twice, figures.partial) == (1, 1, 2, 2)
    assert not figures.is_right
