"""Real-time priority from a service on D-Bus: a bus of the test's own, with a service on it that notes who asks."""

from __future__ import annotations

import ctypes
import json
import os
import resource
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

from jeepney import HeaderFields, Message, MessageType, new_error, new_method_return  # type: ignore[import-untyped]
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]

from bridge.midi import realtime_kit
from bridge.midi.realtime_kit import ask_for_real_time

NAME = "org.freedesktop.RealtimeKit1"
LONGEST_US = 200_000
#: Linux's prctl.h and capability.h.
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
GIVEN = os.SCHED_RR | os.SCHED_RESET_ON_FORK
PLAYER = """
import json, os, resource, threading
from bridge.midi.promptness import keep_promptness, promptness, share_promptness
def late():
    share_promptness()
    started.set()
    threading.Event().wait()
started = threading.Event()
with promptness():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    keep_promptness()
    threading.Thread(target=late, daemon=True).start()
    started.wait()
    threads = sorted(int(name) for name in os.listdir("/proc/self/task"))
    policies = [os.sched_getscheduler(thread) for thread in threads]
    print(json.dumps([threads, policies, resource.getrlimit(resource.RLIMIT_RTTIME)]))
"""


class Service:
    """RealtimeKit as far as we use it: gives what it has the right to give, or refuses it all."""

    def __init__(self, bus: DBusConnection, *, refuses: bool) -> None:
        self._bus = bus
        self._refuses = refuses
        self.asked: list[tuple[int, int]] = []
        bus.send_and_get_reply(message_bus.RequestName(NAME))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                call = self._bus.receive()
            except OSError:
                return
            if call.header.message_type == MessageType.method_call:
                self._bus.send(self._answer(call))

    def _answer(self, call: Message) -> Message:
        if call.header.fields[HeaderFields.member] == "Get":
            return new_method_return(call, "v", (("x", LONGEST_US),))
        if self._refuses:
            return new_error(call, "org.freedesktop.DBus.Error.AccessDenied")
        self.asked.append(call.body)
        if may_give():
            os.sched_setscheduler(call.body[0], GIVEN, os.sched_param(call.body[1]))
        return new_method_return(call)


def may_give() -> bool:
    """Asked of another process, for this one keeps its own priority."""
    probe = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode == 0


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
        finally:
            daemon.terminate()


def give_up_the_right() -> None:
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


def ended(script: str) -> subprocess.CompletedProcess[str]:
    """Python without the right to real-time priority."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=give_up_the_right)


def play() -> tuple[list[int], list[int], list[int]]:
    """A player's threads, their policies, and how long they may run without a pause."""
    threads, policies, limit = json.loads(ended(PLAYER).stdout)
    return threads, policies, limit


def test_every_thread_of_ours_is_asked_for_and_limited_first(bus: DBusConnection) -> None:
    service = Service(bus, refuses=False)

    threads, policies, limit = play()

    expected = threads if may_give() else threads[:2]  # the third asks only where the first got it
    assert sorted(service.asked) == [(thread, 1) for thread in expected]
    assert limit == [LONGEST_US // 2, LONGEST_US]
    if may_give():
        assert policies == [GIVEN] * 3


def test_what_is_refused_is_done_without(bus: DBusConnection) -> None:
    service = Service(bus, refuses=True)

    _, policies, _ = play()

    assert policies == [os.SCHED_OTHER] * 3
    assert not service.asked


def test_no_such_service(bus: DBusConnection) -> None:  # noqa: ARG001 - the bus is there
    _, policies, limit = play()

    assert policies == [os.SCHED_OTHER] * 3
    assert limit == [resource.RLIM_INFINITY] * 2


def test_no_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")

    assert not ask_for_real_time([threading.get_native_id()], 1)


@pytest.mark.parametrize("said", [b"", b"REJECTED\r\n", b"\x00" * 500, b"OK 00\r\n" + b"\xff" * 64])
def test_something_else_listens_there(said: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(realtime_kit, "ANSWER_SECONDS", 0.05)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        listening.listen()
        over = threading.Event()

        def talk() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.sendall(said)
                over.wait(10)

        talking = threading.Thread(target=talk)
        talking.start()
        assert not ask_for_real_time([threading.get_native_id()], 1)
        over.set()
        talking.join()


def test_who_runs_for_too_long_goes_on_as_an_ordinary_process(bus: DBusConnection) -> None:
    Service(bus, refuses=False)
    script = PLAYER + (
        "    import signal\n"
        "    signal.raise_signal(signal.SIGXCPU)\n"
        "    print([os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK for thread in threads])\n"
    )

    player = ended(script)

    assert player.stdout.splitlines()[-1] == str([os.SCHED_OTHER] * 3)
    assert "for too long" in player.stderr
