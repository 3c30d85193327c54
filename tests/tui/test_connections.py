"""The screen Connections: every key, what it shows, and that hostile text is harmless."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.connections.values import (
    ClientSeen,
    Connections,
    DawPosition,
    FreeSpace,
    HttpReader,
    Machine,
    PlayerActivity,
    PortActivity,
    WireMessage,
)
from bridge.model import Lateness
from tests.support.fakes import FakeBridge
from tests.support.scenes import app_with, busy_session, toasts
from tui.app import SabApp
from tui.screens.connections.screen import ConnectionsScreen
from tui.screens.connections.widgets import ClientsView, PortsActivity, WireView
from tui.screens.connections.wire_log import MOST_MESSAGES, WireLog, save_wire
from tui.screens.main import MainScreen

Compare = Callable[..., bool]

LATE = Lateness(messages=64, p50_ms=0.1, p99_ms=0.4, worst_ms=0.6)
HEARD = Connections(
    clients=(
        ClientSeen(
            name="live", host="127.0.0.1", port=9001, is_subscribed=True, received=214, sent=1603,
            last_in="/sab/ping", last_in_age_seconds=0.4, last_out="/sab/progress", last_out_age_seconds=0.1,
        ),
        ClientSeen(
            name="TouchOSC", host="192.168.1.20", port=9000, received=3, sent=3, refused=1, last_in="/1/fader4",
            last_in_age_seconds=44.0, last_out="/sab/fail", last_out_age_seconds=44.0,
            last_refusal="There is no address /1/fader4.",
        ),
        ClientSeen(name="", host="::1", port=52113, received=1, last_in="/sab/submit", last_in_age_seconds=500.0),
    ),
    readers=(HttpReader(host="127.0.0.1", agent="curl/8.5", requests=12, refused=0, last_path="/jobs",
                        last_age_seconds=3.0),),
    player=PlayerActivity(
        ports=(
            PortActivity(stem="vocals", notes=127, sounding=1, last_note_age_seconds=0.1, lateness=LATE),
            PortActivity(stem="drums", notes=611, last_note_age_seconds=0.4,
                         lateness=replace(LATE, p50_ms=0.9, p99_ms=2.2, worst_ms=3.1)),
            PortActivity(stem="bass", notes=79, last_note_age_seconds=31.0),
            PortActivity(stem="other", is_hanging=True),
        ),
        daws=(
            DawPosition(source="jack", is_rolling=True, tempo_bpm=98.0, position=46.2, bar_quarters=4.0),
            DawPosition(source="clock", is_rolling=False),
        ),
    ),
    machine=Machine(
        cpu_share=0.62, cores=2, memory_bytes=8_100_000_000, memory_free_bytes=3_100_000_000,
        resident_bytes={"main": 92_000_000, "worker": 1_240_000_000, "player": 38_000_000},
        drives=(FreeSpace(role="cache", folder="/home/ana/.cache", free_bytes=41_000_000_000, total_bytes=10**11),
                FreeSpace(role="results", folder="/home/ana/Music", free_bytes=1_700_000_000, total_bytes=10**11)),
    ),
    queued=99,
    running=1,
    queue_end_seconds=108.0,
)  # fmt: skip


def wire(number: int, address: str, arguments: str = "", **fields: object) -> WireMessage:
    message = WireMessage(
        unix_seconds=1_700_000_000.0 + number, is_out=False, client="live", place="127.0.0.1:9001", address=address,
        arguments=arguments,
    )  # fmt: skip
    return replace(message, **fields)


MESSAGES = (
    wire(0, "/sab/hello", '"live" 1 9001'),
    wire(0, "/sab/hello.reply", '1 "1.4.0" "source-audio-bridge" 2', is_out=True),
    wire(2, "/sab/submit", '"/home/ana/Music/Night Bus.wav" "engine" "draft" "req" "a81"'),
    wire(2, "/sab/accepted", '"a81" "night-bus" 0', is_out=True),
    wire(3, "/1/fader4", "0.721", client="TouchOSC", place="192.168.1.20:9000", verdict="unknown_address"),
    wire(3, "/sab/fail", '"/1/fader4" "unknown_address" "There is no address /1/fader4."', is_out=True,
         client="TouchOSC", place="192.168.1.20:9000", left_out=12),
)  # fmt: skip


async def opened(pilot: Pilot[None]) -> ConnectionsScreen:
    """Opens the screen by its key, and waits until the bridge was asked."""
    await pilot.pause()
    await pilot.press("C")
    screen = pilot.app.screen
    assert isinstance(screen, ConnectionsScreen)
    await screen.look()
    await pilot.pause()
    return screen


async def shown(pilot: Pilot[None], bridge: FakeBridge, *messages: WireMessage) -> ConnectionsScreen:
    screen = await opened(pilot)
    for message in messages or MESSAGES:
        bridge.tell_wire(message)
    screen.show_wire()
    await pilot.pause()
    return screen


def text_of(app: SabApp, kind: type[ClientsView] | type[WireView] | type[PortsActivity]) -> str:
    """What a widget draws."""
    widget = app.screen.query_one(kind)
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


def connected(heard: Connections = HEARD) -> tuple[SabApp, FakeBridge]:
    app, bridge = app_with(busy_session())
    bridge.known_connections = heard
    return app, bridge


async def test_it_opens_and_closes_and_watches_the_wire_only_meanwhile() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert len(bridge.watchers) == 1
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen) and bridge.watchers == []
        await opened(pilot)
        await pilot.press("C")
        assert isinstance(app.screen, MainScreen)


async def test_keys_of_the_jobs_do_nothing_here() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("c", "p", "a")
        assert isinstance(app.screen, ConnectionsScreen) and bridge.asked == []
        await pilot.press("s")
        assert bridge.asked == [("stop", None)]


async def test_clients_readers_ports_and_the_machine_are_shown() -> None:
    app, _ = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        clients = text_of(app, ClientsView)
        assert "● live" in clients and "○ TouchOSC" in clients and "[::1]:52113" in clients
        assert "1 refused: There is no address /1/fader4." in clients and "curl/8.5" in clients


async def test_a_port_blinks_with_its_notes() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        ports = [replace(port, notes=port.notes + (port.stem == "bass")) for port in HEARD.player.ports]
        bridge.known_connections = replace(HEARD, player=replace(HEARD.player, ports=tuple(ports)))
        await screen.look()
        assert screen.query_one(PortsActivity).newly == {"bass"}
        await screen.look()
        assert screen.query_one(PortsActivity).newly == {"bass"}  # nothing new was asked for: the same moment
        bridge.known_connections = replace(bridge.known_connections, queued=98)
        await screen.look()
        assert screen.query_one(PortsActivity).newly == frozenset()


async def test_the_wire_is_filtered_and_the_filter_taken_away_first() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, bridge)
        await pilot.press("/", *"touch", "enter")
        await pilot.pause()
        drawn = text_of(app, WireView)
        assert "/1/fader4 unknown_address 0.721" in drawn and "/sab/submit" not in drawn
        await pilot.press("escape")
        assert "/sab/submit" in text_of(app, WireView)
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


async def test_a_click_on_a_client_shows_its_messages_alone() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, bridge)
        await pilot.click(ClientsView, offset=(5, 3))  # the border, live, TouchOSC, its refusal
        await pilot.pause()
        assert "/1/fader4" in text_of(app, WireView) and "/sab/submit" not in text_of(app, WireView)
        await pilot.press("escape")
        assert "/sab/submit" in text_of(app, WireView)


async def test_another_theme_colours_it_at_once() -> None:
    app, _ = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        before = screen.palette
        app.theme = "day"
        await pilot.pause()
        assert screen.palette != before and screen.palette == screen.query_one(WireView).palette


async def test_a_paused_wire_stands_still_and_keeps_what_comes() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await shown(pilot, bridge, MESSAGES[0])
        await pilot.press("space")
        bridge.tell_wire(wire(9, "/sab/later"))
        screen.show_wire()
        assert "/sab/later" not in text_of(app, WireView)
        assert "paused, 1 new" in str(screen.query_one(WireView).border_title)
        await pilot.press("space")
        assert "/sab/later" in text_of(app, WireView)


async def test_the_wire_follows_its_end_unless_one_has_scrolled_up() -> None:
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await shown(pilot, bridge, *(wire(number, f"/note/{number}") for number in range(200)))
        assert "/note/199" in text_of(app, WireView)
        await pilot.press("home")
        await pilot.pause()
        bridge.tell_wire(wire(201, "/note/200"))
        screen.show_wire()
        await pilot.pause()
        assert "/note/0" in text_of(app, WireView) and "/note/200" not in text_of(app, WireView)


async def test_what_is_shown_is_saved_for_this_account_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app, bridge = connected()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await opened(pilot)
        await pilot.press("w")
        assert toasts(app) == [("", "Nothing to save: no message is shown.")]
        await pilot.press("escape")
        await shown(pilot, bridge)
        await pilot.press("/", *"fader", "enter", "w")
        await app.workers.wait_for_complete()
        (saved,) = tmp_path.iterdir()
        lines = saved.read_text().splitlines()
        assert len(lines) == 2 and saved.stat().st_mode & 0o077 == 0
        assert lines[0].split("\t")[1:] == [
            "in", "TouchOSC", "192.168.1.20:9000", "/1/fader4", "0.721", "unknown_address",
        ]  # fmt: skip


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    saved = save_wire("x\n", 0.0, None, lambda: tmp_path / "gone")
    assert saved.parent == tmp_path
    with pytest.raises(FileExistsError):
        save_wire("x\n", 0.0, None, lambda: tmp_path / "gone")  # never over another file


def test_ten_thousand_messages_are_kept() -> None:
    log = WireLog()
    for number in range(MOST_MESSAGES + 10):
        log.put(wire(number, f"/{number}"))
        if number % 1000 == 0:
            log.take()
    log.take()
    assert len(log.shown) == MOST_MESSAGES and log.shown[-1].address == f"/{MOST_MESSAGES + 9}"
    log.look_for("/10009")
    assert [message.address for message in log.shown] == ["/10009"]


def test_a_wire_that_is_paused_for_long_stays_bounded() -> None:
    log = WireLog()
    log.is_paused = True
    for number in range(5 * MOST_MESSAGES):
        log.put(wire(number, "/x"))
    assert log.waiting <= MOST_MESSAGES


async def test_hostile_text_is_harmless() -> None:
    evil = "\x1b]0;x\x07[red]"
    app, bridge = connected(Connections(clients=(ClientSeen(name=evil, host=evil, port=1, last_refusal=evil),)))
    async with app.run_test(size=(60, 20)) as pilot:
        await shown(pilot, bridge, wire(0, evil, evil, client=evil, verdict=evil))
        assert "\x1b" not in text_of(app, ClientsView) + text_of(app, WireView)


def show(bridge: FakeBridge, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await shown(pilot, bridge)
        await pilot.press(*keys)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (160, 50)], ids=["60x20", "80x24", "120x40", "160x50"])
def test_pictures(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, bridge = connected()
    assert snap_compare(app, terminal_size=size, run_before=show(bridge))


def test_picture_of_a_filter(snap_compare: Compare) -> None:
    app, bridge = connected()
    assert snap_compare(app, terminal_size=(120, 40), run_before=show(bridge, "/", *"fader"))


def test_picture_of_silence(snap_compare: Compare) -> None:
    app, _ = connected(Connections())

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=run)
