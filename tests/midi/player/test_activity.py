"""What the player tells while somebody looks: notes, lateness, and where the DAW is."""

from __future__ import annotations

import pytest

from bridge.connections.values import DawPosition, PlayerActivity, PortActivity
from bridge.midi.player.messages import Play, Watch
from bridge.midi.sync.sources import SyncMessage
from bridge.midi.timeline import NS_PER_SECOND
from tests.midi.player.test_loop import notes
from tests.support.stage import PlayerHarness


def activities(harness: PlayerHarness) -> list[PlayerActivity]:
    return [report for report in harness.reports if isinstance(report, PlayerActivity)]


def port(activity: PlayerActivity, stem: str) -> PortActivity:
    return next(port for port in activity.ports if port.stem == stem)


def test_nothing_is_reported_while_nobody_looks() -> None:
    harness = PlayerHarness()
    harness.run((0.0, Play(schedules=(notes("bass", 0.0, 1.0),))))
    assert activities(harness) == []


def test_notes_and_their_lateness_are_told_four_times_a_second_as_long_as_somebody_looks() -> None:
    harness = PlayerHarness()
    harness.run((0.0, Play(schedules=(notes("bass", 0.0, 1.0, 2.0),))), (0.1, Watch(seconds=1.6)))
    told = [port(activity, "bass") for activity in activities(harness)]
    assert 6 <= len(told) <= 9
    assert (told[0].notes, told[0].sounding) == (1, 1)
    assert told[-1].notes == 2
    assert told[0].lateness is not None and told[0].lateness.worst_ms < 1
    assert told[0].last_note_age_seconds == pytest.approx(0.08, abs=0.01)
    assert port(activities(harness)[-1], "vocals") == PortActivity(stem="vocals")


def test_notes_that_are_due_come_first() -> None:
    """A report that is due together with a note does not delay it."""
    harness = PlayerHarness()
    harness.run((0.0, Watch(seconds=10)), (0.0, Play(schedules=(notes("bass", *(i / 20 for i in range(60))),))))
    late = [activity for activity in activities(harness) if (found := port(activity, "bass").lateness)
            and found.worst_ms > 0.2]  # fmt: skip
    assert len(activities(harness)) > 10 and late == []


def test_the_clock_of_a_daw_is_told_with_its_bar() -> None:
    harness = PlayerHarness()
    tick = NS_PER_SECOND * 60 // (120 * 24)
    start = harness.start_ns
    messages = [(0.0, SyncMessage(start, b"\xfa"))]
    messages += [(index * tick / NS_PER_SECOND, SyncMessage(start + index * tick, b"\xf8")) for index in range(240)]
    harness.run((0.0, Watch(seconds=20)), *messages)
    daws = [daw for activity in activities(harness) for daw in activity.daws]
    rolling = [daw for daw in daws if daw.is_rolling and daw.tempo_bpm is not None]
    assert rolling[-1].source == "clock" and rolling[-1].tempo_bpm == pytest.approx(120, abs=1)
    bars = [daw.bar_and_beat for daw in rolling]
    assert bars == sorted(bars, key=lambda bar: bar or (0, 0)) and bars[-1] in ((3, 2), (3, 3), (3, 4))
    assert not daws[-1].is_rolling  # its ticks have ended


def test_bars_and_beats_count_from_one() -> None:
    assert DawPosition(source="jack", is_rolling=True, tempo_bpm=98.0, position=0.0).bar_and_beat == (1, 1)
    waltz = DawPosition(source="jack", is_rolling=True, tempo_bpm=98.0, position=7.5, bar_quarters=3.0)
    assert waltz.bar_and_beat == (3, 2)
    assert DawPosition(source="jack", is_rolling=True, position=7.5).bar_and_beat is None
