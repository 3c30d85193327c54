"""Input from a terminal is decoded, whatever its bytes; output to one that has gone is dropped."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._compositor import LayoutUpdate
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.headless_driver import HeadlessDriver

from tests.support.scenes import app_with
from tui.terminal.driver import ForgivingDecoder, ForgivingOutput, forgiving, is_behind
from tui.terminal.painting import ChangedCells

REPLACED = "\N{REPLACEMENT CHARACTER}"


def read(*chunks: bytes) -> str:
    decoder = ForgivingDecoder()
    return "".join(decoder.decode(chunk) for chunk in chunks) + decoder.decode(b"", final=True)


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([b"q"], "q"),
        (["Überfahrt 夜".encode()], "Überfahrt 夜"),
        ([b"\xe5\xa4", b"\x9c"], "夜"),  # a character in two reads
        ([b"\xe4q"], f"{REPLACED}q"),  # ä, from a terminal in Latin-1
        ([b"\x1b[200~/Bj\xf6rk.wav\x1b[201~"], f"\x1b[200~/Bj{REPLACED}rk.wav\x1b[201~"),
        ([b"a\x1b[M \x80\x90b"], "ab"),  # X10: button 1 at column 96, row 112
        ([b"\x1b[M\xc3\xc3\xa4q"], "q"),  # bytes that would be valid UTF-8
        ([b"\x1b[M ", b"\xff!q"], "q"),  # a report in two reads
        ([b"\x1b[M!!!\x1b[M#!!q"], "q"),  # pressed and released left of column 95
        ([b"\x1b[<0;120;3M"], "\x1b[<0;120;3M"),  # the SGR encoding, which Textual asks for, stays
        ([b"\x1b[A", b"\x1b"], "\x1b[A\x1b"),
        ([b"\x1b[M"], "\x1b[M"),
    ],
)
def test_the_bytes_of_every_terminal_are_decoded(chunks: list[bytes], text: str) -> None:
    assert read(*chunks) == text


def test_a_closed_terminal_raises() -> None:
    with pytest.raises(EOFError):
        ForgivingDecoder().decode(b"")


@given(st.lists(st.binary(min_size=1, max_size=8)))
def test_no_bytes_are_an_error_and_a_key_after_them_is_decoded(chunks: list[bytes]) -> None:
    assert read(*chunks, b"   q").endswith("q")


@given(st.text().filter(lambda text: "\x1b[M" not in text), st.integers(1, 5))
def test_utf8_is_decoded_exactly_in_reads_of_any_size(text: str, size: int) -> None:
    data = text.encode()
    assert read(*(data[at : at + size] for at in range(0, len(data), size))) == text


@pytest.mark.skipif(sys.platform == "win32", reason="the Windows driver reads characters, not bytes")
def test_textual_decodes_with_the_function_that_is_replaced() -> None:
    """Fails when Textual changes its decoding: then adapt `tui.terminal.driver`, or remove it if nothing needs it."""
    from textual.drivers.linux_driver import LinuxDriver
    from textual.drivers.web_driver import WebDriver

    for driver in (LinuxDriver, WebDriver):
        assert "getincrementaldecoder" in driver.run_input_thread.__code__.co_names
        assert issubclass(forgiving(driver, lambda _: None), driver)


def test_a_driver_that_reads_no_bytes_keeps_its_input() -> None:
    assert issubclass(forgiving(HeadlessDriver, lambda _: None), HeadlessDriver)


def test_what_is_drawn_on_a_lost_terminal_is_dropped() -> None:
    """Textual's thread would end at the first error, and whoever draws after that would wait for ever."""
    read, write = os.pipe()
    os.close(read)
    output = os.fdopen(write, "w")
    thread = WriterThread(ForgivingOutput(output))  # type: ignore[arg-type]
    thread.start()
    for _ in range(3 * MAX_QUEUED_WRITES):
        thread.write("x" * 10_000)
    thread.stop()
    with suppress(BrokenPipeError):
        output.close()


class WritingDriver(HeadlessDriver):
    """Writes through Textual's thread, as the drivers of real terminals do."""

    _writer_thread: WriterThread

    def write(self, data: str) -> None:
        self._writer_thread.write(data)


async def test_nobody_waits_for_a_terminal_that_takes_nothing() -> None:
    read, write = os.pipe()
    driver = forgiving(WritingDriver, lambda _: None)(app_with()[0])
    with os.fdopen(read, "rb") as terminal, os.fdopen(write, "w") as output:
        thread = driver._writer_thread = WriterThread(output)  # type: ignore[attr-defined]
        thread.start()
        assert not is_behind(driver)
        for _ in range(3 * MAX_QUEUED_WRITES):
            driver.write("x" * 10_000)
        assert is_behind(driver)
        assert len(terminal.read(3 * MAX_QUEUED_WRITES * 10_000)) == 3 * MAX_QUEUED_WRITES * 10_000
        thread.stop()
        assert not is_behind(driver)


async def test_a_terminal_that_has_caught_up_gets_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = app_with()
    drawn: list[object] = []
    async with app.run_test() as pilot:
        monkeypatch.setattr("tui.terminal.app.CATCH_UP_SECONDS", 0.01)
        monkeypatch.setattr("tui.terminal.app.is_behind", lambda _: True)
        monkeypatch.setattr("textual.app.App._display", lambda *update: drawn.append(update[-1]))
        await pilot.press("a")
        await pilot.pause(0.05)
        assert drawn == []
        monkeypatch.setattr("tui.terminal.app.is_behind", lambda _: False)
        while not any(isinstance(one, ChangedCells) and isinstance(one._update, LayoutUpdate) for one in drawn):
            await pilot.pause(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="the same, but without Linux's driver")
async def test_textual_writes_to_the_file_that_is_replaced() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    driver = forgiving(LinuxDriver, lambda _: None)(app_with()[0])
    assert isinstance(driver._file, ForgivingOutput)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "colour"),
    [
        (b"\x1b]11;rgb:ffff/ffff/0000\x1b\\", (1.0, 1.0, 0.0)),
        (b"\x1b]11;rgb:00/ff/00\x07", (0.0, 1.0, 0.0)),
        (b"\x1b]11;rgba:f/0/0/f\x07", (1.0, 0.0, 0.0)),
    ],
)
def test_the_terminals_answer_about_its_background_is_no_key(answer: bytes, colour: tuple[float, float, float]) -> None:
    for cut in range(5, len(answer)):
        told: list[object] = []
        decoder = ForgivingDecoder(told.append)
        assert decoder.decode(b"a" + answer[:cut]) + decoder.decode(answer[cut:] + b"b") == "ab"
        assert told == [colour]


def test_an_answer_that_never_ends_is_text_and_holds_nothing_back() -> None:
    decoder = ForgivingDecoder()
    assert decoder.decode(b"\x1b]11;" + b"x" * 100) == "\x1b]11;" + "x" * 100
