"""A real DAW submits a clip and records the bridge's ports: its tracks must contain the notes of the files.

Ardour runs on a JACK server without a sound card; inside it, Lua sends the OSC messages of a musician's script.
"""

from __future__ import annotations

import asyncio
import logging
import math
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import soundfile

from tests.support.ardour import Bend, Note, Part, read_part, recording, why_no_ardour
from tests.support.jack_server import SAMPLE_RATE_HZ, running_jack
from tests.support.programs import serving, until_ports_are_open

pytestmark = [pytest.mark.ardour, pytest.mark.jack, pytest.mark.end_to_end]

STEMS = ("Vocals", "Drums", "Bass", "Other")
#: In frames, for successive takes: if there are xruns, the next take uses a larger buffer.
PERIODS = (256, 512, 1024)
#: From the transport's start to the first note, and from the last note to its stop.
MARGIN_SECONDS = 1.0
#: The jitter that the bridge may add to JACK's period, in which all messages are played at its start.
JITTER_SECONDS = 0.001
DRUM_CHANNEL = 9

log = logging.getLogger(__name__)


class Take(NamedTuple):
    """The notes of four files and of four recorded tracks, and how precise the recorded times are."""

    written: dict[str, Part]
    recorded: dict[str, Part]
    session: Path
    period_seconds: float
    xruns: int

    def late(self, times: Callable[[Part], list[float]]) -> list[float]:
        """The delay of each recorded event of all tracks, in seconds, less the median delay."""
        delays = [
            there - here
            for stem in STEMS
            for here, there in zip(times(self.written[stem]), times(self.recorded[stem]), strict=True)
        ]
        median = statistics.median(delays)
        return [delay - median for delay in delays]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Take]:
    """The first take without xruns, or the last one."""
    if reason := why_no_ardour():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("ardour")
    clip = Path(shutil.copy(str(files("bridge.demo") / "clip.ogg"), folder / "song.ogg"))
    (folder / "server").mkdir()
    take_seconds = soundfile.info(str(clip)).duration + MARGIN_SECONDS
    with pytest.MonkeyPatch.context() as environment, running_jack(PERIODS[0], real_time=True) as jack:
        for name, value in jack.environment.items():
            environment.setenv(name, value)
        with serving(folder / "server", "--engine", "draft") as server:
            asyncio.run(until_ports_are_open(server))  # as a musician does before starting the DAW
            url = f"osc.udp://{server.host}:{server.port}"
            with recording(folder, clip, url, take_seconds) as ardour:
                for period_frames in PERIODS:
                    jack.change_period(period_frames)
                    xruns = jack.xruns
                    ardour.take()
                    xruns = jack.xruns - xruns
                    if not xruns:
                        break
        stems = ardour.session / "stems" / "song"
        yield Take(
            written={stem: read_part(stems / f"song ({stem}).mid") for stem in STEMS},
            recorded={stem: read_part(ardour.recorded[stem][-1].path) for stem in STEMS},
            session=ardour.session,
            period_seconds=period_frames / SAMPLE_RATE_HZ,
            xruns=xruns,
        )


def test_every_track_records_exactly_the_notes_of_its_stem(take: Take) -> None:
    for stem in STEMS:
        written, recorded = in_pitch_order(take.written[stem]), in_pitch_order(take.recorded[stem])
        assert len(written) > 10
        assert [note.key for note in recorded] == [note.key for note in written]
        assert {note.channel == DRUM_CHANNEL for note in recorded} == {stem == "Drums"}


def test_notes_are_recorded_at_the_times_in_the_files(take: Take) -> None:
    onsets = p99_and_worst(take.late(lambda part: [note.on for note in in_pitch_order(part)]))
    offs = p99_and_worst(take.late(lambda part: [note.off for note in in_pitch_order(part)]))
    for what, (p99, worst) in (("onsets", onsets), ("offs", offs)):
        log.info("%s: p99 %.2f ms, worst %.2f ms", what, 1e3 * p99, 1e3 * worst)
    log.info("periods of %.1f ms, %d xruns", 1e3 * take.period_seconds, take.xruns)
    xfail_if_void(take)
    assert onsets[0] <= take.period_seconds + JITTER_SECONDS
    assert offs[0] <= take.period_seconds + JITTER_SECONDS


def test_the_pitch_wheel_follows_the_bends_of_the_file_and_returns_to_zero(take: Take) -> None:
    assert any(take.written[stem].bends for stem in STEMS)
    for stem in STEMS:
        written, recorded = take.written[stem].bends, take.recorded[stem].bends
        # Ardour keeps only the last of the bends in one period, because they have the same time.
        apart = [bend for bend, after in pairwise(written) if after.seconds - bend.seconds > 2 * take.period_seconds]
        assert is_within(wheel(apart + written[-1:]), wheel(recorded))
        assert is_within(wheel(recorded), wheel(written))
        assert not recorded or recorded[-1].value == 0


def test_the_stems_are_in_the_session_that_submitted_the_clip(take: Take) -> None:
    assert sorted(path.name for path in (take.session / "stems" / "song").iterdir()) == sorted(
        ["song.mid", "song.sab.json", *(f"song ({stem}).{ending}" for stem in STEMS for ending in ("mid", "wav"))]
    )
    assert len(list((take.session / "interchange").iterdir())) == 1


def in_pitch_order(part: Part) -> list[Note]:
    """The notes sorted by pitch, then time: a period can change only the order of notes of different pitches."""
    return sorted(part.notes, key=lambda note: (note.channel, note.pitch, note.on))


def wheel(bends: Sequence[Bend]) -> list[tuple[int, int]]:
    return [(bend.channel, bend.value) for bend in bends]


def is_within(some: Sequence[object], many: Sequence[object]) -> bool:
    """Whether `some` is a subsequence of `many`."""
    rest = iter(many)
    return all(one in rest for one in some)


def xfail_if_void(take: Take) -> None:
    if take.xruns:
        pytest.xfail(f"void: {len(PERIODS)} takes, each with xruns; this machine is too busy to measure time")


def p99_and_worst(seconds: Sequence[float]) -> tuple[float, float]:
    """The 99th percentile (nearest rank) and the maximum of the absolute values."""
    ordered = sorted(map(abs, seconds))
    return ordered[math.ceil(0.99 * len(ordered)) - 1], ordered[-1]
