"""Real-time priority from a service on D-Bus: on a private bus, with a fake service that records the requests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus and RealtimeKit are Linux' own", allow_module_level=True)

from jeepney import Message, MessageType, new_error, new_method_return  # type: ignore[import-untyped]
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]

from bridge.midi.realtime import realtime_kit
from bridge.midi.realtime.realtime_kit import LONG_RUN_US, LONGEST_RUN_US, request_real_time
from tests.support.real_time import give_up_real_time, may_have_real_time

NAME = "org.freedesktop.RealtimeKit1"
GIVEN = os.SCHED_RR | os.SCHED_RESET_ON_FORK
#: Prints its threads – the main one, one that was there and a later one –, their policies, and its limits.
PLAYER = """
import json, os, resource, threading
from bridge.midi.realtime.thread_priority import (
    keep_realtime_scheduling, realtime_scheduling, share_realtime_scheduling
)
def wait():
    threads.append(threading.get_native_id())
    came.release()
    threading.Event().wait()
def wait_and_share():
    share_realtime_scheduling()
    wait()
threads, came = [threading.get_native_id()], threading.Semaphore(0)
with realtime_scheduling():
    threading.Thread(target=wait, daemon=True).start()
    came.acquire()
    keep_realtime_scheduling()
    threading.Thread(target=wait_and_share, daemon=True).start()
    came.acquire()
    policies = [os.sched_getscheduler(thread) for thread in threads]
    print(json.dumps([threads, policies, resource.getrlimit(resource.RLIMIT_RTTIME)]))
"""
#: Another thread spins while the main one waits for commands; then it prints the policies again.
RUNS_ON = """
    import queue, time
    inbox = queue.SimpleQueue()
    def run_on():
        share_realtime_scheduling()
        while time.thread_time() < 0.5: pass
        inbox.put(None)
    threading.Thread(target=run_on, daemon=True).start()
    inbox.get()
    print([os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK for thread in threads])
"""


class Service:
    """The part of RealtimeKit that we use: grants the priority to `gives` threads, if the test may."""

    def __init__(self, bus: DBusConnection, *, gives: int = 25) -> None:
        self._bus = bus
        self._gives = gives
        self.asked: list[tuple[int, int, int]] = []
        """Process, thread, priority."""
        bus.send_and_get_reply(message_bus.RequestName(NAME))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                call = self._bus.receive()
            except (OSError, ValueError):  # closed meanwhile
                return
            if call.header.message_type == MessageType.method_call:
                self._bus.send(self._answer(call))

    def _answer(self, call: Message) -> Message:
        if len(self.asked) == self._gives:
            return new_error(call, "org.freedesktop.DBus.Error.AccessDenied")
        self.asked.append(call.body)
        _, thread, priority = call.body
        if may_have_real_time():
            os.sched_setscheduler(thread, GIVEN, os.sched_param(priority))
        return new_method_return(call)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[DBusConnection]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed (Debian: dbus-daemon)")
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        address = daemon.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        try:
            with open_dbus_connection(address) as connection:
                yield connection
                connection.sock.shutdown(socket.SHUT_RDWR)
        finally:
            daemon.terminate()


def ended(script: str) -> subprocess.CompletedProcess[str]:
    """Runs Python without the right to real-time priority."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=give_up_real_time)


def play() -> tuple[list[int], list[int], list[int]]:
    """A player's threads, their policies, and how long they may run without a pause."""
    threads, policies, limit = json.loads(ended(PLAYER).stdout)
    return threads, policies, limit


def is_ordinary(policy: int) -> bool:
    return policy & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER


def test_priority_is_requested_for_every_thread_after_the_limit_is_set(bus: DBusConnection) -> None:
    service = Service(bus)

    threads, policies, limit = play()

    expected = threads if may_have_real_time() else threads[:2]  # the third asks only where the first got it
    assert [call[1:] for call in service.asked] == [(thread, 1) for thread in expected]
    assert {call[0] for call in service.asked} == {threads[0]}
    assert limit == [LONG_RUN_US, LONGEST_RUN_US]
    if may_have_real_time():
        assert policies == [GIVEN] * 3


@pytest.mark.parametrize("gives", [0, 1])
def test_if_one_thread_is_refused_no_thread_keeps_the_priority(gives: int, bus: DBusConnection) -> None:
    service = Service(bus, gives=gives)

    threads, policies, _ = play()

    assert all(map(is_ordinary, policies))
    assert [call[1] for call in service.asked] == threads[:gives]


def test_without_the_service_scheduling_is_ordinary(bus: DBusConnection) -> None:  # noqa: ARG001 - the bus is there
    assert all(map(is_ordinary, play()[1]))


def test_the_doctor_makes_the_same_request_as_a_player(bus: DBusConnection) -> None:
    asks = "from bridge.midi.realtime.thread_priority import player_gets_real_time; print(player_gets_real_time())"
    assert ended(asks).stdout == "False\n"

    Service(bus)

    assert ended(asks).stdout == f"{may_have_real_time()}\n"


def test_without_a_bus_scheduling_is_ordinary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")

    assert all(map(is_ordinary, play()[1]))


@pytest.mark.parametrize("answer", [b"", b"REJECTED\r\n", b"OK 00\r\n"])
def test_a_bus_that_does_not_answer_is_a_refusal(
    answer: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(realtime_kit, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(realtime_kit, "_limit_runs", lambda: None)  # not of the tests' own process
    monkeypatch.setattr(realtime_kit, "drop_real_time", lambda: None)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        listening.listen()
        over = threading.Event()

        def talk() -> None:
            with contextlib.suppress(OSError):
                caller, _ = listening.accept()
                with caller:
                    caller.sendall(answer)
                    over.wait(60)

        talking = threading.Thread(target=talk)
        talking.start()
        assert not request_real_time([threading.get_native_id()], 1)
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        talking.join()


def test_a_process_that_runs_for_too_long_continues_at_ordinary_priority(bus: DBusConnection) -> None:
    Service(bus)

    player = ended(PLAYER + RUNS_ON)

    assert player.stdout.splitlines()[-1] == str([os.SCHED_OTHER] * 3)
    assert ("for too long" in player.stderr) == may_have_real_time()
