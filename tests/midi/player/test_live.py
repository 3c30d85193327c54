"""A schedule that grows while it plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.events import MidiEnded, MidiStarted, MidiStarved, MidiWaiting, Noticed
from bridge.midi.player.loop import LEAD_NS
from bridge.midi.player.messages import BreakOff, Command, Extend, Panic, Play, Stop
from bridge.midi.schedule import Schedule, TimedBytes, is_note_off, is_note_on, schedule
from bridge.midi.sync.sources import SyncMessage
from bridge.request import CLOCK, NOW
from tests.support.daw import FakeDaw, expected, grid, numbered
from tests.support.schedules import schedules
from tests.support.stage import SECOND, PlayerHarness, hanging

LEAD = LEAD_NS / SECOND
Script = list[tuple[float, Command]]


def split(whole: Schedule, cuts: Sequence[float]) -> tuple[Schedule, list[Extend]]:
    """The schedule as it is known up to the first of these seconds, and the extensions up to the others and the end."""
    bounds = [*sorted(cuts), float("inf")]
    parts = [
        tuple(message for message in whole.messages if since <= message.seconds < until)
        for since, until in zip((float("-inf"), *bounds[:-1]), bounds, strict=True)
    ]
    known = schedule(whole.job, whole.stem, (), whole.offset_seconds, tempo_bpm=whole.tempo_bpm, beat=whole.beat)
    begun = schedule(whole.job, whole.stem, [(message.seconds, message.data) for message in parts[0]])
    known = msgspec.structs.replace(
        known, messages=parts[0], set_up=begun.set_up, notes=begun.notes, is_open=True, until_seconds=bounds[0]
    )
    extensions = [
        Extend(
            job=whole.job,
            stem=whole.stem,
            messages=part,
            until_seconds=min(until, whole.seconds),
            is_last=until == float("inf"),
        )
        for part, until in zip(parts[1:], bounds[1:], strict=True)
    ]
    return known, extensions


def tones(*starts: float, length: float = 0.5, stem: str = "vocals") -> Schedule:
    """A note on each second, each with its own pitch."""
    pairs = [(start, bytes((0x90, 60 + index, 100))) for index, start in enumerate(starts)]
    pairs += [(start + length, bytes((0x80, 60 + index, 64))) for index, start in enumerate(starts)]
    return schedule("job", stem, pairs)


def play(known: Schedule, sync: str = NOW) -> Play:
    return Play(schedules=(known,), sync=sync)


def starts(harness: PlayerHarness, stem: str = "vocals") -> list[tuple[int, float]]:
    """Pitch and second of each note-on that was sent; second 0 is that of a schedule played at the harness's start."""
    sent = zip(harness.outputs[stem].sent, harness.seconds(stem), strict=True)
    return [(data[1], round(at - LEAD, 3)) for data, at in sent if is_note_on(bytes(data))]


def starved(harness: PlayerHarness) -> list[float]:
    return [round(report.seconds, 3) for report in harness.reports if isinstance(report, MidiStarved)]


def ended(harness: PlayerHarness) -> list[tuple[str, int]]:
    return [(report.outcome, report.missed) for report in harness.reports if isinstance(report, MidiEnded)]


@settings(max_examples=60)
@given(
    schedules(),
    st.lists(st.tuples(st.floats(0.01, 4), st.floats(0, 1)), min_size=1, max_size=6),
    st.sampled_from((0, 50_000_000)),
)
def test_in_time_however_it_is_split_it_plays_as_the_whole_does(
    whole: Schedule, cuts: list[tuple[float, float]], ahead_ns: int
) -> None:
    closed, live = PlayerHarness(), PlayerHarness()
    for harness in (closed, live):
        harness.outputs["vocals"].ahead_ns = ahead_ns
    closed.run((0.0, play(whole)))
    cuts = sorted((min(cut, whole.seconds), share) for cut, share in cuts)
    assume(cuts[0][0] + LEAD - ahead_ns / SECOND > 0.002)  # else nothing can be in time
    known, extensions = split(whole, [cut for cut, _ in cuts])
    script: Script = [(0.0, play(known))]
    at = 0.0
    for (cut, share), extension in zip(cuts, extensions, strict=True):
        latest = cut + LEAD - ahead_ns / SECOND - 0.001  # just before the horizon is handed over
        at = max(at, share * latest)
        script.append((at, extension))
    live.run(*script)
    assert live.outputs["vocals"].sent == closed.outputs["vocals"].sent
    assert live.seconds("vocals") == pytest.approx(closed.seconds("vocals"), abs=0.0001)
    assert ended(live) == ended(closed) == [("finished", 0)]
    assert starved(live) == []


@settings(max_examples=100)
@given(
    schedules(),
    st.lists(st.tuples(st.floats(0, 4), st.floats(0, 8)), min_size=1, max_size=5),
    st.sampled_from((0, 50_000_000)),
    st.sampled_from((None, Stop(), Panic(), BreakOff(job="job", reason="Why."))),
    st.floats(0, 6),
)
def test_whenever_it_is_extended_nothing_sounds_beyond_what_is_known_and_every_note_is_ended(
    whole: Schedule,
    cuts: list[tuple[float, float]],
    ahead_ns: int,
    ending: Command | None,
    ending_at: float,
) -> None:
    harness = PlayerHarness()
    output = harness.outputs["vocals"]
    output.ahead_ns = ahead_ns
    known, extensions = split(whole, [cut for cut, _ in cuts])
    arrivals = sorted(at for _, at in cuts)
    script: Script = [(0.0, play(known)), *zip(arrivals, extensions, strict=True)]
    if ending is not None:
        script.append((ending_at, ending))
    harness.run(*sorted(script, key=lambda entry: entry[0]))
    assert hanging(output.sent) == []
    if isinstance(ending, Panic):
        return
    sent = [bytes(data) for data in output.sent]
    assert Counter(data[:1] for data in sent if is_note_on(data)) <= Counter(
        message.data[:1] for message in whole.messages if is_note_on(message.data)
    )
    sounding: list[bytes] = []
    horizons = [(0.0, known.until_seconds)]
    horizons += [(at, extension.until_seconds) for at, extension in zip(arrivals, extensions, strict=True)]
    for index, (data, at) in enumerate(zip(sent, harness.seconds("vocals"), strict=True)):
        sounding.append(data)
        following = harness.seconds("vocals")[index + 1] if index + 1 < len(sent) else at
        horizon = max(until for arrived, until in horizons if arrived <= at)
        if following > max(at, horizon + LEAD) + 0.001 and all(not at < arrived < following for arrived, _ in horizons):
            assert [name for name in hanging(sounding) if "bend" not in name] == []


def test_beyond_its_horizon_it_is_silent_at_once_and_goes_on_with_what_is_still_to_come() -> None:
    harness = PlayerHarness()
    whole = tones(0.5, 1.5, 2.2, 2.8, 4.0, length=1.0)
    known, (more, last) = split(whole, (2.0, 3.0))
    harness.run((0.0, play(known)), (2.5 + LEAD, more), (2.9, last))
    assert starts(harness) == [(60, 0.5), (61, 1.5), (63, 2.8), (64, 4.0)]
    off = next(
        at
        for data, at in zip(harness.outputs["vocals"].sent, harness.seconds("vocals"), strict=True)
        if data[:2] == (0x80, 61)
    )
    assert off == pytest.approx(2.0 + LEAD, abs=0.001)
    assert [bytes(data) for data in harness.outputs["vocals"].sent if data[1] in (61, 62) and data[0] == 0x80] == [
        bytes((0x80, 61, 64))
    ]
    assert starved(harness) == [2.0]
    assert ended(harness) == [("finished", 1)]
    (notice,) = [report for report in harness.reports if isinstance(report, Noticed)]
    assert notice.message.startswith("A note of vocals came too late and was silent")


def test_starving_is_told_once_each_time_and_a_late_extension_that_is_over_changes_nothing() -> None:
    harness = PlayerHarness()
    known, extensions = split(tones(0.5, 1.2, 2.2, 4.0, length=0.1), (1.0, 2.0, 3.0))
    harness.run((0.0, play(known)), *zip((2.5, 2.6, 3.5), extensions, strict=True))
    assert starved(harness) == [1.0, 3.0]
    assert starts(harness) == [(60, 0.5), (63, 4.0)]
    assert ended(harness) == [("finished", 2)]


def test_late_controllers_and_bends_are_brought_up_to_date_when_it_goes_on() -> None:
    late = "b06500 b00640 b00110 e00050 b00120 e00060"
    data = [bytes.fromhex(text) for text in late.split()]
    messages = [(1.5 + index / 100, each) for index, each in enumerate(data)]
    whole = schedule("job", "vocals", [(0.0, b"\xb0\x40\x7f"), *messages, (3.0, b"\x90\x3c\x64")])
    known, (more,) = split(whole, (1.0,))
    harness = PlayerHarness()
    harness.run((0.0, play(known)), (2.0, more))
    sent = list(zip(harness.outputs["vocals"].sent, (round(at, 2) for at in harness.seconds("vocals")), strict=True))
    assert sent[:2] == [((0xB0, 64, 127), 0.02), ((0xB0, 64, 0), 1.02)]
    assert sent[2:7] == [
        ((0xB0, 64, 127), 2.0),
        ((0xB0, 0x65, 0), 2.0),
        ((0xB0, 6, 0x40), 2.0),
        ((0xB0, 1, 0x20), 2.0),
        ((0xE0, 0, 0x60), 2.0),
    ]
    assert sent[7] == ((0x90, 60, 100), 3.02)


def test_an_open_schedule_does_not_end_at_its_last_message_and_a_closed_one_does() -> None:
    harness = PlayerHarness()
    known, _ = split(tones(0.5, length=0.1), (2.0,))
    close = Extend(job="job", stem="vocals", messages=(), until_seconds=2.0, is_last=True)
    harness.run((0.0, play(known)), (1.5, close), (1.6, close))
    assert ended(harness) == [("finished", 0)]
    assert starved(harness) == []
    assert [at for at, report in harness.positions if report.seconds > 1.2]


def test_an_extension_of_a_playback_that_is_over_or_closed_does_nothing() -> None:
    harness = PlayerHarness()
    whole = tones(0.5, length=0.1)
    more = Extend(job="job", stem="vocals", messages=(TimedBytes(2.0, b"\x90\x40\x40"),), until_seconds=3.0)
    harness.run((0.0, play(whole)), (0.1, more), (5.0, more))
    assert starts(harness) == [(60, 0.5)]
    assert ended(harness) == [("finished", 0)]


def test_a_take_that_is_broken_off_is_silent_and_its_reason_is_said_once() -> None:
    harness = PlayerHarness()
    vocals, _ = split(tones(0.5, length=5.0), (3.0,))
    bass, _ = split(tones(0.5, length=5.0, stem="bass"), (3.0,))
    harness.run((0.0, Play(schedules=(vocals, bass))), (1.0, BreakOff(job="job", reason="The job has failed.")))
    for stem in ("vocals", "bass"):
        assert hanging(harness.outputs[stem].sent) == []
        assert harness.seconds(stem)[-1] == pytest.approx(1.0, abs=0.001)
    assert ended(harness) == [("failed", 0), ("failed", 0)]
    notices = [report.message for report in harness.reports if isinstance(report, Noticed)]
    assert notices == ["The job has failed."]


def test_a_broken_port_ends_it_when_it_starves() -> None:
    harness = PlayerHarness()
    known, (more,) = split(tones(0.5, 3.0, length=5.0), (1.0,))
    harness.outputs["vocals"].breaks_after = 1
    harness.run((0.0, play(known)), (2.0, more))
    assert ended(harness) == [("failed", 0)]


def follow(daw: FakeDaw, *commands: tuple[float, Command]) -> PlayerHarness:
    """Plays with a DAW; the bass is a grid of sixteenths at 120 beats a minute."""
    harness = PlayerHarness()
    ticks = [(seconds, SyncMessage(harness.start_ns + round(seconds * SECOND), data)) for seconds, data in daw.sent]
    harness.run(*sorted([*commands, *ticks], key=lambda entry: entry[0]))
    return harness


def heard(harness: PlayerHarness) -> list[tuple[int, float]]:
    return numbered(zip(harness.seconds("bass"), harness.outputs["bass"].sent, strict=True))


def test_a_daw_that_starts_in_the_middle_jumps_back_and_forth_and_starts_again() -> None:
    whole = grid(32)  # 16 s
    known, extensions = split(whole, (4.0, 8.0))  # 8 quarters, 16 quarters
    daw = FakeDaw()
    daw.locate(16)
    daw.resume()
    daw.roll(2, 120)  # quarters 4 to 6: known
    daw.jump(80)
    daw.roll(4, 120)  # quarters 20 to 24: not known
    daw.jump(8)
    daw.roll(2, 120)  # back, to what is known: quarters 2 to 4
    daw.stop()
    daw.wait(1.0)
    daw.locate(40)
    daw.resume()
    rolled = daw.seconds
    daw.roll(4, 120)  # quarters 10 to 14: known from its second quarter on
    daw.stop()
    harness = follow(daw, (0.1, play(known, CLOCK)), (rolled + 0.49, extensions[0]), (daw.seconds + 1, extensions[1]))
    due = [(index, at) for index, at in expected(daw, 128) if index < 32 or (44 <= index < 56)]
    found = heard(harness)
    assert [index for index, _ in found] == [index for index, _ in due]
    assert [at for _, at in found] == pytest.approx([at for _, at in due], abs=0.003)
    assert hanging(harness.outputs["bass"].sent) == []
    # The notes of quarter 10 to 11 were late; of quarter 20, nothing was known before the DAW had left it.
    assert [entry for entry in ended(harness) if entry[1]] == [("stopped", 4)]
    assert {outcome for outcome, _ in ended(harness)} == {"stopped"}
    assert starved(harness) == [10.0, 5.0]
    takes = sum(isinstance(report, MidiStarted) for report in harness.reports)
    assert sum(isinstance(report, MidiWaiting) for report in harness.reports) == takes + 1 == len(ended(harness))


def test_what_becomes_known_before_the_daw_gets_there_is_played_in_time() -> None:
    whole = grid(16)
    known, extensions = split(whole, (1.0, 3.0, 5.0))
    daw = FakeDaw()
    daw.start()
    daw.roll(16, 120)
    daw.stop()
    arrivals = (1.2, 2.5, 3.5)  # the DAW starts at half a second
    harness = follow(daw, (0.1, play(known, CLOCK)), *zip(arrivals, extensions, strict=True))
    due = expected(daw, 64)
    found = heard(harness)
    assert [index for index, _ in found] == [index for index, _ in due]
    assert [at for _, at in found] == pytest.approx([at for _, at in due], abs=0.003)
    assert starved(harness) == []
    assert [report.is_open for report in harness.reports if isinstance(report, MidiStarted)] == [True]
    assert next(report.stays_armed for report in harness.reports if isinstance(report, MidiEnded))


def test_a_note_off_that_belongs_to_a_missed_note_is_not_sent() -> None:
    harness = PlayerHarness()
    twice = schedule(
        "job", "vocals",
        [(1.2, b"\x90\x3c\x64"), (1.9, b"\x80\x3c\x40"), (1.95, b"\x90\x3c\x50"), (3.0, b"\x80\x3c\x40"),
         (3.5, b"\x90\x3c\x40"), (4.0, b"\x80\x3c\x40")],
    )  # fmt: skip
    known, (more,) = split(twice, (1.0,))
    harness.run((0.0, play(known)), (2.5, more))
    assert [bytes(data) for data in harness.outputs["vocals"].sent] == [b"\x90\x3c\x40", b"\x80\x3c\x40"]
    assert not any(is_note_off(bytes(data)) for data in harness.outputs["vocals"].sent[:1])
    assert ended(harness) == [("finished", 2)]


def test_a_live_take_ends_what_plays_on_its_stems_as_any_other_play_does() -> None:
    earlier = (tones(0.5, 1.5, length=3.0), tones(0.5, 1.5, length=3.0, stem="bass"))
    next_job = msgspec.structs.replace(tones(0.2, length=0.5), job="next")
    known, (more,) = split(next_job, (0.5,))
    live, closed = PlayerHarness(), PlayerHarness()
    live.run((0.0, Play(schedules=earlier)), (1.0, play(known)), (1.1, more))
    closed.run((0.0, Play(schedules=earlier)), (1.0, play(next_job)))
    assert live.outputs["vocals"].sent == closed.outputs["vocals"].sent
    assert live.outputs["bass"].sent == closed.outputs["bass"].sent
    assert [report for report in live.reports if isinstance(report, MidiEnded)] == [
        report for report in closed.reports if isinstance(report, MidiEnded)
    ]
    ends = [(report.job, report.stem, report.outcome) for report in live.reports if isinstance(report, MidiEnded)]
    assert ends == [
        ("job", "vocals", "stopped"),
        ("next", "vocals", "finished"),
        ("job", "bass", "finished"),  # the live take has no bass
    ]


def test_another_play_ends_a_live_take_on_its_stem_only_and_what_is_still_computed_of_it_changes_nothing() -> None:
    harness = PlayerHarness()
    vocals, (more_vocals,) = split(tones(0.5, 3.0, length=5.0), (2.0,))
    bass, (more_bass,) = split(tones(0.5, 3.0, length=1.0, stem="bass"), (2.0,))
    other_job = msgspec.structs.replace(tones(0.5, length=0.5), job="other")
    harness.run((0.0, Play(schedules=(vocals, bass))), (1.0, play(other_job)), (1.5, more_vocals), (1.5, more_bass))
    assert starts(harness) == [(60, 0.5), (60, 1.5)]
    assert starts(harness, "bass") == [(60, 0.5), (61, 3.0)]
    assert hanging(harness.outputs["vocals"].sent) == []
    ends = [(report.job, report.stem, report.outcome) for report in harness.reports if isinstance(report, MidiEnded)]
    assert ends == [("job", "vocals", "stopped"), ("other", "vocals", "finished"), ("job", "bass", "finished")]
