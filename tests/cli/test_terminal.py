"""What the commands say, as it arrives at a terminal, in a log, or at a program."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bridge.cli import serve
from bridge.cli.logs import LOG_NAME, PlainFormatter, log_into, plain_trace
from bridge.cli.output import terminal
from bridge.cli.output.console import PlainConsole, plain_table, progress_bar
from bridge.cli.output.job_report import TextReport, outcome_of
from bridge.errors import BadArguments, NotWritable
from bridge.events import Ended, Event, Noticed, Produced, Progressed, Started, Submitted, Warned
from bridge.lifecycle import fold
from bridge.model import Failure, Result, Warning
from bridge.plain import plain
from bridge.request import JobRequest
from tests.support.hostile import NAMES, is_harmless, is_text, names

EVERY_NAME = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TerminalHandler = pytest.CaptureFixture[str]


def events(name: str) -> list[Event]:
    """A job's life in which every text is this name."""
    result = Result(kind="stem", name=name, path=f"/{name}.wav", seconds=1.0)
    failure = Failure(code="not_audio", message=name)
    return [
        Submitted(job="job", name=name, request=JobRequest(source=f"/{name}"), unix_seconds=0.0),
        Started(job="job", engine=name, device=name, output_dir=f"/{name}"),
        Progressed(job="job", stage="separating", fraction=0.5),
        Warned(job="job", warning=Warning(code=name, message=name)),
        Produced(job="job", result=result),
        Ended(job="job", outcome="failed", unix_seconds=1.0, failure=failure),
        Noticed(level="warning", message=name),
    ]


@given(names)
@EVERY_NAME
def test_a_line_for_a_person_is_one_line_whoever_says_it(capsys: TerminalHandler, name: str) -> None:
    say: list[Callable[[str], None]] = [
        terminal.write_line,
        terminal.write_note,
        terminal.write_report,
        lambda words: terminal.write_error("code", words),
        lambda words: PlainConsole(soft_wrap=True).print(words),
        lambda words: PlainConsole(soft_wrap=True).print(words, style="yellow"),
    ]
    for one in say:
        one(f"<{name}>")
        out, err = capsys.readouterr()
        assert (out + err).count("\n") == 1
        assert (out + err).rstrip("\n").endswith(f"<{plain(name)}>")


@given(names)
@EVERY_NAME
def test_a_job_is_told_in_harmless_lines(capsys: TerminalHandler, name: str) -> None:
    with TextReport.for_people() as report:
        for event in events(name):
            report.show(event)
            serve._log(event)
    report.say(name)
    out, err = capsys.readouterr()
    assert is_harmless(out)
    assert is_harmless(err)
    assert plain(name) in out
    assert len(err.splitlines()) == 6  # all but progress


@given(names)
@EVERY_NAME
def test_tables_and_bars_show_names_as_text(name: str) -> None:
    listed = plain_table("Clip", name)
    listed.add_row(name, name)
    console = PlainConsole()
    console.file = io.StringIO()
    console.print(listed)
    bar = progress_bar(console)
    bar.add_task(name, total=1.0, left=name)
    console.print(bar.get_renderable())
    assert is_harmless(console.file.getvalue())


@given(names)
@EVERY_NAME
def test_json_says_the_same_and_moves_no_cursor(capsysbinary: pytest.CaptureFixture[bytes], name: str) -> None:
    told = {"name": name if is_text(name) else plain(name), "astral": "\U000e0041"}
    terminal.write_json(told)
    line = capsysbinary.readouterr().out.decode()
    assert json.loads(line) == told
    assert line.rstrip("\n").isprintable()


def test_the_outcome_of_a_job_is_json_whatever_its_name_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in filter(is_text, NAMES):
        terminal.write_json(outcome_of(fold(events(name)[:-1])))  # type: ignore[arg-type]
        assert json.loads(capsysbinary.readouterr().out)["stems"][0]["path"] == f"/{name}.wav"


@pytest.mark.skipif(sys.platform == "win32", reason="names are no bytes there")
def test_a_script_gets_a_path_to_the_byte_and_a_person_sees_it(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.fsdecode(b"/music/\xff [v]\x1b[2J.wav")
    terminal.write_path(path)
    assert capfdbinary.readouterr().out == b"/music/\xff [v]\x1b[2J.wav\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.write_path(path)
    assert capfdbinary.readouterr().out.decode() == f"{plain(path)}\n"


@given(names)
@EVERY_NAME
def test_a_log_has_a_line_for_each_record_and_its_stack_is_set_in(name: str) -> None:
    try:
        raise ValueError(name)
    except ValueError:
        record = logging.LogRecord("bridge.x", logging.ERROR, "x.py", 1, "a %s", (name,), sys.exc_info())
    first, *stack = PlainFormatter("12:00:00 %(message)s").format(record).split("\n")
    assert first == f"12:00:00 a {plain(name)}"
    assert all(line.startswith("  ") and line.isprintable() for line in stack)
    assert is_harmless(plain_trace(name))


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The logger's handlers, as they were, afterwards."""
    everything, bridges = logging.getLogger(), logging.getLogger("bridge")
    before, level = list(everything.handlers), bridges.level
    yield everything
    for handler in everything.handlers:
        if handler not in before:
            handler.close()
    everything.handlers[:] = before
    bridges.setLevel(level)


def test_once_there_is_a_log_file_nothing_is_logged_to_the_terminal(
    capsys: TerminalHandler, root_logger: logging.Logger, tmp_path: Path
) -> None:
    root_logger.addHandler(terminal.TerminalHandler(logging.WARNING))
    logging.getLogger("asyncio").error("before %s", "a\x1b[2J", exc_info=ValueError("b\nc"))
    assert capsys.readouterr().err == "sab: before a\N{REPLACEMENT CHARACTER}[2J: ValueError: b c\n"
    log_into(tmp_path)
    logging.getLogger("asyncio").error("after")
    logging.getLogger("bridge.part").info("said")
    assert capsys.readouterr().err == ""
    written = [line.split(" ", 2)[2] for line in (tmp_path / LOG_NAME).read_text().splitlines()]
    assert written == ["ERROR asyncio: after", "INFO bridge.part: said"]


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


class Unread(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("say", [terminal.write_line, lambda line: PlainConsole().print(line)], ids=["line", "console"])
def test_an_output_that_takes_nothing_is_an_error_with_a_name(
    monkeypatch: pytest.MonkeyPatch, say: Callable[[str], None]
) -> None:
    monkeypatch.setattr(terminal, "drop_output", lambda: None)
    monkeypatch.setattr("bridge.cli.output.console.drop_output", lambda: None)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(NotWritable, match="No space left on device"):
        say("words")
    monkeypatch.setattr(sys, "stdout", Unread())
    with pytest.raises(terminal.OutputClosed):
        say("words")
    monkeypatch.setattr(sys, "stderr", Full())
    terminal.write_error("code", "which nobody will read")


@pytest.mark.parametrize(
    ("columns", "kept"),
    [("0", False), ("abc", False), ("-1", False), ("²", False), ("1", False), ("99999999999", False), ("100", True)],
)
def test_only_a_width_that_a_terminal_can_have_is_believed(
    monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger, columns: str, kept: bool
) -> None:
    del root_logger
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("threading.excepthook", None)
    monkeypatch.setattr("logging.raiseExceptions", True)
    terminal.prepare_terminal()
    logging.captureWarnings(False)
    assert (os.environ.get("COLUMNS") == columns) is kept


class Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def _streams(patch: pytest.MonkeyPatch, *, no_terminal: str = "", platform: str = "linux") -> None:
    for name in ("stdin", "stdout", "stderr"):
        patch.setattr(sys, f"__{name}__", Stream(name != no_terminal))
    patch.setattr(sys, "platform", platform)
    patch.delenv("TEXTUAL_DRIVER", raising=False)


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_screen_needs_a_terminal_on_every_side(monkeypatch: pytest.MonkeyPatch, name: str, platform: str) -> None:
    monkeypatch.setenv("TERM", "xterm")
    _streams(monkeypatch, no_terminal=name, platform=platform)
    with pytest.raises(BadArguments, match="sab serve"):
        terminal.need_a_screen()
    monkeypatch.setattr(sys, f"__{name}__", None)  # closed, as a service has it
    with pytest.raises(BadArguments, match="sab serve"):
        terminal.need_a_screen()
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")  # a browser draws it
    terminal.need_a_screen()


@pytest.mark.parametrize(
    ("term", "platform", "enough"),
    [
        ("xterm-256color", "linux", True),
        ("dumb", "linux", False),
        ("", "darwin", False),
        (None, "linux", False),
        (None, "win32", True),
    ],
)
def test_a_terminal_must_be_able_to_draw(
    monkeypatch: pytest.MonkeyPatch, term: str | None, platform: str, enough: bool
) -> None:
    _streams(monkeypatch, platform=platform)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    if enough:
        terminal.need_a_screen()
    else:
        with pytest.raises(BadArguments, match="TERM"):
            terminal.need_a_screen()
