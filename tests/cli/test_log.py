"""The log: one file for every command, and `sab log`."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli.diagnosis.log import records_in
from bridge.cli.logs import EARLIER, LogFile, append_record, log_path, record_fault
from bridge.cli.main import app
from bridge.processes.log_lines import read_log_line
from tests.support.hostile import NAMES, is_harmless, is_text


def logged(folder: Path) -> logging.Logger:
    logger = logging.Logger("bridge.part")
    logger.addHandler(LogFile(log_path(folder), "serve"))
    return logger


def sab_log(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["log", "--state-dir", str(folder), *options])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_only_its_owner_reads_the_log(tmp_path: Path) -> None:
    logged(tmp_path / "state").error("said")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert log_path(tmp_path / "state").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be renamed there")
def test_no_record_is_lost_or_torn_where_many_write_and_the_file_is_set_aside(tmp_path: Path) -> None:
    path = log_path(tmp_path)
    lines = [f"{writer} {number} {'x' * 40}" for writer in range(4) for number in range(50)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda line: append_record(path, f"{line}\n".encode(), max_bytes=6_000), lines))
    earlier = path.with_name(path.name + EARLIER)
    kept = [*earlier.read_text().splitlines(), *(path.read_text().splitlines() if path.exists() else ())]
    assert len(kept) == len(set(kept)) >= 100  # the older half was set aside twice, and is gone
    assert set(kept) <= set(lines)
    assert earlier.stat().st_size <= 6_000 + 4 * 60  # each writer may have one more record under way


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of another kind")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_in_the_logs_place_is_neither_written_nor_waited_for(tmp_path: Path, kind: str) -> None:
    path, other = log_path(tmp_path), tmp_path / "other"
    if kind == "link":
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    logged(tmp_path).error("said")
    assert not other.exists()
    if kind != "link":
        done = sab_log(tmp_path)
        assert done.exit_code == 1
        assert "is no file" in done.stderr


def test_records_are_chosen_by_level_and_job(tmp_path: Path) -> None:
    logger = logged(tmp_path)
    logger.info("abcdefgh: song")
    logger.warning("mnopqrst: too quiet")
    try:
        raise ValueError("job abcdefgh\n2026-11-27 02:03:29,123 ERROR forged: x")
    except ValueError:
        logger.exception("it broke")
    assert len(sab_log(tmp_path, "-n", "1").stdout.splitlines()) > 3
    assert "ValueError" in sab_log(tmp_path, "--level", "error").stdout
    assert "quiet" not in sab_log(tmp_path, "--level", "error").stdout
    of_job = sab_log(tmp_path, "--job", "abcdefgh").stdout
    assert "abcdefgh: song" in of_job
    assert "Traceback" in of_job
    assert "quiet" not in of_job
    assert [record.rank for record in records_in(log_path(tmp_path))] == [0, 1, 2]
    assert sab_log(tmp_path, "--level", "loud").exit_code == 2
    assert sab_log(tmp_path, "--path").stdout.strip() == str(log_path(tmp_path))


def test_without_a_log_one_line_says_where_it_would_be(tmp_path: Path) -> None:
    done = sab_log(tmp_path / "none")
    assert (done.exit_code, done.stdout) == (0, "")
    assert str(log_path(tmp_path / "none")) in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if is_text(name)])
def test_hostile_text_is_shown_as_text_even_from_a_file_that_we_did_not_write(tmp_path: Path, name: str) -> None:
    logged(tmp_path).error("about %s", name)
    with log_path(tmp_path).open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    assert is_harmless(sab_log(tmp_path).stdout)


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_the_log_is_followed_over_its_renewal_until_ctrl_c(tmp_path: Path) -> None:
    logger = logged(tmp_path)
    logger.info("before")
    command = [sys.executable, "-m", "bridge", "log", "--follow", "--state-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "before" in process.stdout.readline()
        logger.info("after")
        assert "after" in process.stdout.readline()
        log_path(tmp_path).rename(tmp_path / "bridge.log.1")
        logger.info("anew")
        assert "anew" in process.stdout.readline()
        process.send_signal(2)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_an_unexpected_error_is_logged_wherever_it_happens(tmp_path: Path) -> None:
    error = ZeroDivisionError("odd")
    assert record_fault(error, tmp_path) == "`sab log` shows the details"
    assert record_fault(error, tmp_path, "/s") == "`sab log --state-dir /s` shows the details"
    (tmp_path / "file").touch()
    elsewhere = record_fault(error, tmp_path / "file")
    assert "ZeroDivisionError: odd" in sab_log(tmp_path).stdout
    assert "ZeroDivisionError: odd" in Path(elsewhere.removeprefix("the details are in ")).read_text(encoding="utf-8")


def test_a_childs_record_keeps_its_level_and_its_stack_trace() -> None:
    script = """if True:
        import logging, threading
        from bridge.processes.log_lines import log_to_parent
        log_to_parent()
        try:
            raise KeyError("two\\nlines")
        except KeyError:
            logging.getLogger("bridge.x").exception("it\\x1b broke")
        threading.Thread(target=lambda: 1 / 0).start()
        print("INFO", flush=True)
        raise LookupError("at last")
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    first, second, third = map(read_log_line, done.stderr.splitlines())
    assert (first.level, first.message) == (logging.ERROR, "bridge.x: it\x1b broke")
    assert first.trace[0] == "Traceback (most recent call last):"
    assert "KeyError" in first.trace[-1]
    assert (second.level, second.message) == (logging.CRITICAL, "root: ZeroDivisionError: division by zero")
    assert third.message == "root: LookupError: at last"
    assert read_log_line("ERROR") == read_log_line("ERROR")._replace(level=logging.INFO)
