"""`sab install` never loses a user's changes, and removes everything that it installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli.diagnosis.doctor import _daws
from bridge.cli.main import app
from bridge.errors import NotWritable
from bridge.integrations import live_library, places
from bridge.integrations.install import InstalledFile, InstallRecord, install, installed, plan, remove
from max_for_live.generator.build import build

SCRIPT = "source_audio_bridge_import.lua"


@pytest.fixture
def record(tmp_path: Path) -> InstallRecord:
    return InstallRecord(tmp_path / "state" / "installed.json")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("SAB_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def steps(files: list[InstalledFile]) -> list[str]:
    return [file.step for file in files]


def test_a_new_version_replaces_our_file_unless_the_user_changed_it(tmp_path: Path, record: InstallRecord) -> None:
    script = tmp_path / "scripts" / "a.lua"
    install(plan({script: b"one"}, record), record)
    assert steps(plan({script: b"one"}, record)) == ["same"]
    assert steps(plan({script: b"two"}, record)) == ["update"]
    script.write_bytes(b"one, changed by the user")
    assert steps(plan({script: b"two"}, record)) == ["changed"]
    install(plan({script: b"two"}, record), record)
    assert script.read_bytes() == b"two"
    assert steps(plan({script: b"three"}, record)) == ["update"]


def test_a_file_that_existed_before_counts_as_the_users(tmp_path: Path, record: InstallRecord) -> None:
    (tmp_path / "a.lua").write_bytes(b"theirs")
    assert steps(plan({tmp_path / "a.lua": b"ours"}, record)) == ["changed"]


def test_removing_removes_only_what_was_installed(tmp_path: Path, record: InstallRecord) -> None:
    ours, theirs, elsewhere = tmp_path / "in" / "a.lua", tmp_path / "in" / "b.lua", tmp_path / "other" / "c.lua"
    install(plan({ours: b"ours", elsewhere: b"ours too"}, record), record)
    theirs.write_bytes(b"theirs")
    remove(installed([tmp_path / "in"], record), record)
    assert [ours.exists(), theirs.exists(), elsewhere.exists()] == [False, True, True]
    assert list(record.hashes()) == [elsewhere]


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path, record: InstallRecord) -> None:
    (tmp_path / "scripts").touch()
    with pytest.raises(NotWritable, match=r"a\.lua cannot be written"):
        install(plan({tmp_path / "scripts" / "a.lua": b"ours"}, record), record)


def sab(*words: str) -> Result:
    return CliRunner().invoke(app, ["install", *words])


def test_scripts_go_into_every_installed_ardour_with_the_port_of_the_settings(home: Path) -> None:
    for version in (7, 8):
        (home / ".config" / f"ardour{version}").mkdir(parents=True)
    assert sab("ardour", "--yes", "--port", "9876").exit_code == 0
    for version in (7, 8):
        folder = home / ".config" / f"ardour{version}" / "scripts"
        assert (folder / SCRIPT).is_file()
        assert '"osc.udp://127.0.0.1:9876"' in (folder / "source_audio_bridge_take_apart.lua").read_text()


def test_without_a_terminal_the_files_are_listed_and_not_written(home: Path) -> None:
    (home / ".config" / "ardour7").mkdir(parents=True)
    done = sab("ardour")
    assert done.exit_code == 2
    assert str(home / ".config" / "ardour7" / "scripts" / SCRIPT) in done.output
    assert not (home / ".config" / "ardour7" / "scripts").exists()


def test_a_changed_script_is_listed_and_kept_until_the_user_agrees(home: Path) -> None:
    (home / ".config" / "ardour7").mkdir(parents=True)
    assert sab("ardour", "--yes").exit_code == 0
    script = home / ".config" / "ardour7" / "scripts" / SCRIPT
    script.write_text("mine")
    done = sab("ardour")
    assert f"CHANGED {script}" in done.output
    assert script.read_text() == "mine"
    assert sab("ardour", "--yes").exit_code == 0
    assert script.read_text() != "mine"


def test_installed_files_can_be_removed(home: Path) -> None:
    (home / ".config" / "REAPER").mkdir(parents=True)
    assert sab("reaper", "--yes").exit_code == 0
    assert list((home / ".config" / "REAPER" / "Scripts").iterdir())
    assert sab("reaper", "--remove", "--yes").exit_code == 0
    assert not list((home / ".config" / "REAPER" / "Scripts").iterdir())


def test_a_missing_or_unknown_daw_is_an_error(home: Path) -> None:
    assert "Ardour was not found" in sab("ardour", "--yes").output
    assert "ardour, reaper and live" in sab("cubase", "--yes").output
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "folder", "scripts"),
    [
        ("linux", ".config/ardour8", ".config/ardour8/scripts"),
        (
            "linux",
            ".var/app/org.ardour.Ardour/config/ardour8",
            ".var/app/org.ardour.Ardour/config/ardour8/scripts",
        ),
        ("darwin", "Library/Preferences/Ardour8", "Library/Preferences/Ardour8/scripts"),
        ("win32", "AppData/Local/ardour8", "AppData/Local/ardour8/scripts"),
    ],
)
def test_the_script_folder_of_ardour(tmp_path: Path, platform: str, folder: str, scripts: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert places.ardour_scripts(tmp_path, {}, platform) == [tmp_path / scripts]


def test_every_version_of_ardour_gets_the_scripts_and_doctor_names_them(home: Path) -> None:
    folders = [home / ".config" / "ardour8", home / ".var" / "app" / "org.ardour.Ardour" / "config" / "ardour9"]
    for folder in folders:
        folder.mkdir(parents=True)
    assert sab("ardour", "--yes").exit_code == 0
    assert all((folder / "scripts" / SCRIPT).is_file() for folder in folders)
    told = next(finding.message for finding in _daws() if finding.subject == "Ardour")
    assert told == ", ".join(str(folder / "scripts") for folder in folders)


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".config/REAPER"),
        ("darwin", "Library/Application Support/REAPER"),
        ("win32", "AppData/Roaming/REAPER"),
    ],
)
def test_the_script_folder_of_reaper(tmp_path: Path, platform: str, folder: str) -> None:
    assert places.reaper_scripts(tmp_path, {}, platform) == []
    (tmp_path / folder).mkdir(parents=True)
    assert places.reaper_scripts(tmp_path, {}, platform) == [tmp_path / folder / "Scripts"]


def test_installing_the_device_for_live_builds_it(home: Path) -> None:
    library = home / "Music" / "Ableton" / "User Library"
    library.mkdir(parents=True)
    done = CliRunner().invoke(app, ["install", "live", "--yes"])
    assert done.exit_code == 0, done.output
    (device,) = library.rglob("Source Audio Bridge.amxd")
    build(home / "build")
    assert device.read_bytes() == (home / "build" / "frozen" / device.name).read_bytes()


def test_the_user_library_may_be_named(home: Path) -> None:
    library = home / "Big Drive" / "User Library"
    library.mkdir(parents=True)
    assert sab("live", str(library), "--yes").exit_code == 0
    (device,) = library.rglob("*.amxd")
    assert device.parent == places.live_devices_in(library) == places.live_devices_in(device.parent)
    assert sab("live", str(device.parent), "--yes").output.startswith("is here")
    assert sab("live", str(library), "--remove", "--yes").exit_code == 0
    assert not device.exists()


def test_a_named_folder_must_exist_and_be_of_use(home: Path) -> None:
    assert "There is no folder" in sab("live", str(home / "none"), "--yes").output
    assert "no other folder can be named" in sab("reaper", str(home), "--yes").output
    assert list(home.iterdir()) == []


def test_a_library_that_live_has_noted_and_is_gone_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_library, "_configurations", lambda *_: iter([home / "Library.cfg"]))
    (home / "Library.cfg").write_text("<Ableton><UserLibrary>")
    done = sab("live", "--yes")
    assert done.exit_code == 1
    assert "Library.cfg: it cannot be read" in " ".join(done.output.split())
    assert "sab install live FOLDER" in " ".join(done.output.split())
