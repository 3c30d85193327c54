"""What calls the user: which terminals get which escapes, their bytes, and what is worth a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Ended, GroupEnded
from bridge.model import Failure
from tests.support.scenes import (
    app_with,
    busy_session,
    done,
    failed,
    grouped,
    running,
    settle,
    toasts,
    waiting,
)
from tui.calls.caller import RENEWALS_OF_ERROR, Caller
from tui.calls.escapes import notification, progress, through_tmux, title
from tui.calls.news import News, news_of
from tui.calls.terminals import Abilities, abilities_in_tmux, abilities_of

TITLE = Abilities(title=True)


@pytest.mark.parametrize(
    ("environment", "abilities"),
    [
        ({}, Abilities()),
        ({"TERM": "dumb"}, Abilities()),
        ({"TERM": "linux"}, Abilities()),
        ({"TERM": "xterm-256color"}, TITLE),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, TITLE),
        ({"TERM": "xterm-ghostty"}, Abilities(True, False, "777")),  # over ssh, without its version
        (
            {"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.2.0"},
            Abilities(True, True, "777"),
        ),
        (
            {"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.1.3"},
            Abilities(True, False, "777"),
        ),
        (
            {"TERM": "xterm", "TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20240203-110809-5046fc22"},
            Abilities(True, False, "777"),  # it would show each step as a notification
        ),
        (
            {"TERM": "xterm", "TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20250801-000000-abc"},
            Abilities(True, True, "777"),
        ),
        (
            {"TERM": "xterm", "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.6"},
            Abilities(True, True, "9"),
        ),
        (
            {"TERM": "xterm", "LC_TERMINAL": "iTerm2", "LC_TERMINAL_VERSION": "3.5.14"},
            Abilities(True, False, "9"),
        ),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, Abilities(True, False, "9")),
        ({"TERM": "foot"}, Abilities(True, False, "777")),
        ({"TERM": "rxvt-unicode-256color"}, Abilities(True, False, "777")),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, Abilities(True, True)),
        ({"ConEmuANSI": "ON"}, Abilities(True, True)),
        ({"TERM": "xterm-256color", "ConEmuANSI": "OFF"}, TITLE),
        ({"TERM": "xterm-256color", "VTE_VERSION": "8002"}, Abilities(True, True, "777")),
        ({"TERM": "xterm-256color", "VTE_VERSION": "6800"}, Abilities(True, False, "777")),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4502"}, TITLE),
        ({"TERM": "xterm-256color", "VTE_VERSION": "9" * 99}, TITLE),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "250401"}, Abilities(True, True, "777")),
        ({"TERM": "xterm", "TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "1.100.2"}, Abilities(True, True)),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "TERM_PROGRAM": "tmux", "WT_SESSION": "1"}, TITLE),
        ({"TERM": "screen", "STY": "1.x", "VTE_VERSION": "8002"}, TITLE),
    ],
)  # fmt: skip
def test_a_terminal_is_known_by_its_environment(environment: dict[str, str], abilities: Abilities) -> None:
    assert abilities_of(environment) == abilities


@pytest.mark.parametrize(
    ("answer", "abilities"),
    [
        ("off xterm-ghostty ghostty 1.2.3\n", TITLE),
        ("on xterm-ghostty ghostty 1.2.3\n", Abilities(True, True, "777", through_tmux=True)),
        ("all xterm-256color iTerm2 3.6.6\n", Abilities(True, True, "9", through_tmux=True)),
        ("on xterm-kitty kitty(0.35.2)\n", Abilities(True, False, "9", through_tmux=True)),
        ("on foot \n", Abilities(True, False, "777", through_tmux=True)),
        ("on xterm-256color \n", TITLE),
        ("", TITLE),
    ],
)
def test_inside_tmux_the_terminal_outside_is_known_by_tmux(answer: str, abilities: Abilities) -> None:
    assert abilities_in_tmux(answer) == abilities


def test_the_bytes_of_each_escape() -> None:
    assert title("43 % a") == "\x1b]2;43 % a\x1b\\"
    assert progress("running", 43) == "\x1b]9;4;1;43\x1b\\"
    assert progress("error", 100) == "\x1b]9;4;2;100\x1b\\"
    assert progress("unknown") == "\x1b]9;4;3;0\x1b\\"
    assert progress("none") == "\x1b]9;4;0;0\x1b\\"
    assert notification("777", "a; b is done", "9 files") == "\x1b]777;notify;a, b is done;9 files\x1b\\"
    assert notification("9", "a is done", "9 files") == "\x1b]9;a is done: 9 files\x1b\\"
    assert through_tmux(progress("none")) == "\x1bPtmux;\x1b\x1b]9;4;0;0\x1b\x1b\\\x1b\\"


@given(st.text(), st.text())
def test_no_text_ends_its_escape_or_begins_another(one: str, other: str) -> None:
    for escape in (title(one), notification("777", one, other), notification("9", one, other)):
        inside = escape[2:-2]
        assert inside.isprintable() and len(escape) < 400
    assert notification("777", one, other).count(";") == 3


def caller(abilities: Abilities) -> tuple[Caller, list[str]]:
    written: list[str] = []
    return Caller(written.append, abilities), written


def test_title_and_progress_are_written_once_for_each_change_and_taken_away_at_the_end() -> None:
    calling, written = caller(Abilities(title=True, progress=True))
    jobs = [running("Night Bus", "separating", 0.434, 60), waiting("Harbour")]
    calling.show(jobs)
    calling.show(jobs)
    calling.show([])
    calling.end()
    assert written == [
        "\x1b[22;2t",
        "\x1b]2;43 % Night Bus – Source Audio Bridge\x1b\\",
        "\x1b]9;4;1;43\x1b\\",
        "\x1b]2;Source Audio Bridge\x1b\\",
        "\x1b]9;4;0;0\x1b\\",
        "\x1b[23;2t",
    ]


def test_a_terminal_without_abilities_gets_nothing() -> None:
    calling, written = caller(Abilities())
    calling.show([running("Night Bus", "separating", 0.434, 60)])
    calling.tell(News("x", "y", is_failure=True), is_focused=False)
    calling.renew(is_focused=False)
    calling.end()
    assert written == []


def test_progress_without_a_share_is_unknown_and_is_renewed() -> None:
    calling, written = caller(Abilities(progress=True))
    calling.show([running("Night Bus", "loading", 0.0, None)])
    calling.renew(is_focused=True)
    assert written == ["\x1b]9;4;3;0\x1b\\"] * 2


def test_a_failure_stays_in_the_task_bar_until_somebody_has_looked() -> None:
    calling, written = caller(Abilities(progress=True, notification="777"))
    calling.tell(News("Night Bus failed", "No memory.", is_failure=True), is_focused=False)
    calling.show([])
    for _ in range(5):
        calling.renew(is_focused=False)
    assert written[:2] == ["\x1b]9;4;2;100\x1b\\", "\x1b]777;notify;Night Bus failed;No memory.\x1b\\"]
    assert written[-1] == "\x1b]9;4;2;100\x1b\\"
    for _ in range(RENEWALS_OF_ERROR):
        calling.renew(is_focused=True)
    assert written[-1] == "\x1b]9;4;0;0\x1b\\"


def test_nobody_who_looks_gets_a_desktop_notification() -> None:
    calling, written = caller(Abilities(notification="9"))
    calling.tell(News("Night Bus is done", "9 files"), is_focused=True)
    assert written == []
    calling.tell(News("Night Bus is done", "9 files"), is_focused=False)
    assert written == ["\x1b]9;Night Bus is done: 9 files\x1b\\"]


def test_what_is_worth_a_call() -> None:
    long, short = done("Long"), done("Short", at=1_700_000_004.0)
    jobs = {job.id: job for job in (long, short)}
    ended = [Ended(job=job.id, outcome="done", unix_seconds=0.0) for job in jobs.values()]
    assert news_of(ended, {}, jobs, is_focused=True) == [News("Long is done", "8 files after 6:40")]
    assert len(news_of(ended, {}, jobs, is_focused=False)) == 2
    assert news_of(ended, jobs, jobs, is_focused=False) == []  # known to be over: a repeated event
    assert news_of([Ended(job="gone", outcome="done", unix_seconds=0.0)], {}, jobs, is_focused=False) == []


def test_failures_are_told_and_many_in_one_sentence() -> None:
    broken = [failed(f"Take {number}", "not_audio", "This is not audio.") for number in range(5)]
    jobs = {job.id: job for job in broken}
    failure = Failure(code="not_audio", message="This is not audio.")
    ended = [Ended(job=job, outcome="failed", unix_seconds=0.0, failure=failure) for job in jobs]
    assert news_of(ended[:1], {}, jobs, is_focused=True) == [News("Take 0 failed", "This is not audio.", True)]
    assert news_of(ended, {}, jobs, is_focused=True) == [News("5 jobs failed", "Take 0, Take 1, Take 2 …", True)]


def test_a_group_is_told_of_at_its_end() -> None:
    (clip,) = grouped(done("Verse"))
    ended = Ended(job=clip.id, outcome="done", unix_seconds=0.0)
    over = GroupEnded(group_id="gid", name="Evening Set", done=4, failed=1, cancelled=0)
    assert news_of([ended, over], {}, {clip.id: clip}, is_focused=False) == [
        News("Evening Set is over", "4 done, 1 failed", is_failure=True)
    ]


async def test_a_failed_and_a_long_job_make_toasts_and_a_cancelled_one_none() -> None:
    app, bridge = app_with(busy_session())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        failure = Failure(code="engine_failed", message="The separation process ended.")
        bridge.publish(Ended(job="moonlight-sonata-dub", outcome="failed", unix_seconds=1.7e9 + 5, failure=failure))
        bridge.publish(Ended(job="harbour", outcome="done", unix_seconds=1.7e9 + 65))
        bridge.publish(Ended(job="überfahrt-夜", outcome="cancelled", unix_seconds=1.7e9 + 66))
        await settle(pilot)
        assert toasts(app) == [
            ("Moonlight Sonata Dub failed", "The separation process ended."),
            ("Harbour is done", "0 files after 1:05"),
        ]


@pytest.mark.parametrize(("bell", "rung"), [("off", 0), ("failed", 1), ("all", 2)])
async def test_the_bell_rings_by_its_setting(monkeypatch: pytest.MonkeyPatch, bell: str, rung: int) -> None:
    app, bridge = app_with(busy_session())
    rings: list[int] = []
    monkeypatch.setattr(app, "bell", lambda: rings.append(1))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app._calls.bell = bell
        bridge.publish(Ended(job="harbour", outcome="done", unix_seconds=1.7e9 + 65))
        bridge.publish(Ended(job="moonlight-sonata-dub", outcome="failed", unix_seconds=1.7e9 + 5))
        await settle(pilot)
        assert len(rings) == rung
