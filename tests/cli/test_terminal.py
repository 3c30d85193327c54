"""The output of the commands on a terminal, in a log, and as JSON."""

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
    """The events of a job in which every text is this name."""
    result = Result(kind="stem", name=name, folder="/", file=f"{name}.wav", seconds=1.0)
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
def test_output_for_a_person_is_always_one_line(capsys: TerminalHandler, name: str) -> None:
    writers: list[Callable[[str], None]] = [
        terminal.write_line,
        terminal.write_note,
        terminal.write_report,
        lambda words: terminal.write_error("code", words),
        lambda words: PlainConsole(soft_wrap=True).print(words),
        lambda words: PlainConsole(soft_wrap=True).print(words, style="yellow"),
    ]
    for write in writers:
        write(f"<{name}>")
        out, err = capsys.readouterr()
        assert (out + err).count("\n") == 1
        assert (out + err).rstrip("\n").endswith(f"<{plain(name)}>")


@given(names)
@EVERY_NAME
def test_the_report_of_a_job_has_no_control_characters(capsys: TerminalHandler, name: str) -> None:
    with TextReport.for_people() as report:
        for event in events(name):
            report.show(event)
            serve.report_event(event)
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
def test_json_keeps_its_value_without_control_characters(capsysbinary: pytest.CaptureFixture[bytes], name: str) -> None:
    value = {"name": name if is_text(name) else plain(name), "astral": "\U000e0041"}
    terminal.write_json(value)
    line = capsysbinary.readouterr().out.decode()
    assert json.loads(line) == value
    assert line.rstrip("\n").isprintable()


def test_the_outcome_of_a_job_is_valid_json_for_every_name(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in filter(is_text, NAMES):
        terminal.write_json(outcome_of(fold(events(name)[:-1])))  # type: ignore[arg-type]
        assert json.loads(capsysbinary.readouterr().out)["stems"][0]["path"] == f"/{name}.wav"


@pytest.mark.skipif(sys.platform == "win32", reason="paths are text there")
def test_a_path_is_written_as_exact_bytes_for_a_script_and_as_text_on_a_terminal(
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
def test_a_log_record_is_one_line_with_its_stack_trace_indented(name: str) -> None:
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
    """The root logger; its handlers are restored afterwards."""
    root, bridge_logger = logging.getLogger(), logging.getLogger("bridge")
    previous, level = list(root.handlers), bridge_logger.level
    yield root
    for handler in root.handlers:
        if handler not in previous:
            handler.close()
    root.handlers[:] = previous
    bridge_logger.setLevel(level)


def test_with_a_log_file_nothing_is_logged_to_the_terminal(
    capsys: TerminalHandler, root_logger: logging.Logger, tmp_path: Path
) -> None:
    root_logger.addHandler(terminal.TerminalHandler(logging.WARNING))
    logging.getLogger("asyncio").error("before %s", "a\x1b[2J", exc_info=ValueError("b\nc"))
    assert capsys.readouterr().err == "sab: before a\N{REPLACEMENT CHARACTER}[2J: ValueError: b c\n"
    log_into(tmp_path, "serve")
    logging.getLogger("asyncio").error("after")
    logging.getLogger("bridge.part").info("said")
    assert capsys.readouterr().err == ""
    written = [line.split(" ", 2)[2] for line in (tmp_path / LOG_NAME).read_text().splitlines()]
    assert written == [f"ERROR serve[{os.getpid()}] asyncio: after", f"INFO serve[{os.getpid()}] bridge.part: said"]


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


class Unread(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize(
    "write", [terminal.write_line, lambda line: PlainConsole().print(line)], ids=["line", "console"]
)
def test_a_failing_output_raises_its_own_error(monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]) -> None:
    monkeypatch.setattr(terminal, "drop_output", lambda: None)
    monkeypatch.setattr("bridge.cli.output.console.drop_output", lambda: None)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(NotWritable, match="No space left on device"):
        write("words")
    monkeypatch.setattr(sys, "stdout", Unread())
    with pytest.raises(terminal.OutputClosed):
        write("words")
    monkeypatch.setattr(sys, "stderr", Full())
    terminal.write_error("code", "is not readable anywhere")


@pytest.mark.parametrize(
    ("columns", "kept"),
    [("0", False), ("abc", False), ("-1", False), ("²", False), ("1", False), ("99999999999", False), ("100", True)],
)
def test_an_implausible_width_is_ignored(
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
def test_a_screen_needs_a_terminal_on_every_stream(monkeypatch: pytest.MonkeyPatch, name: str, platform: str) -> None:
    monkeypatch.setenv("TERM", "xterm")
    _streams(monkeypatch, no_terminal=name, platform=platform)
    with pytest.raises(BadArguments, match="sab serve"):
        terminal.require_screen()
    monkeypatch.setattr(sys, f"__{name}__", None)  # closed, as in a service
    with pytest.raises(BadArguments, match="sab serve"):
        terminal.require_screen()
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")  # a browser draws it
    terminal.require_screen()


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
def test_a_screen_needs_a_terminal_that_can_draw(
    monkeypatch: pytest.MonkeyPatch, term: str | None, platform: str, enough: bool
) -> None:
    _streams(monkeypatch, platform=platform)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    if enough:
        terminal.require_screen()
    else:
        with pytest.raises(BadArguments, match="TERM"):
            terminal.require_screen()
