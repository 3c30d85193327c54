"""The settings file, changed by a program: what the user wrote around a value stays, and no bad value gets in."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config import Settings, load_settings, setting_names
from bridge.errors import BadArguments, NotWritable, WeightsUnavailable
from bridge.events import Pulled, PullEvent, Pulling
from bridge.workshop.local import LocalWorkshop
from bridge.workshop.settings_file import SettingsFile

OWN = "# my studio\nport = 9800  # the other one is taken\n\n[midi_offsets_ms]\nvocals = -3.5  # measured\n"


def file_in(folder: Path, text: str = OWN, **environment: str) -> SettingsFile:
    path = folder / "config.toml"
    path.write_text(text)
    return SettingsFile(Settings(), {"SAB_CONFIG": str(path), **environment})


def test_every_setting_has_a_view(tmp_path: Path) -> None:
    views = file_in(tmp_path).views()
    assert tuple(view.name for view in views) == setting_names()
    assert all(view.help for view in views)


def test_a_home_that_there_is_not_is_shown_as_it_was_written(tmp_path: Path) -> None:
    views = {view.name: view for view in file_in(tmp_path, 'state_dir = "~nobody-of-that-name/jobs"').views()}
    assert views["state_dir"].text == "~nobody-of-that-name/jobs"
    with pytest.raises(BadArguments, match="unknown user"):
        load_settings({"SAB_STATE_DIR": "~nobody-of-that-name/jobs"})


def test_comments_and_order_stay(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    assert file.change("port", "9801").is_waiting
    file.change("no_midi", "true")
    assert file.path.read_text() == OWN.replace("9800", "9801").replace("\n\n[", "\nno_midi = true\n\n[")
    file.change("no_midi", "")
    assert "no_midi" not in file.path.read_text()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", "9900", 9900),
        ("cache_max_gb", "2.5", 2.5),
        ("announce", "true", True),
        ("midi_names", "My {stem}", "My {stem}"),
        ("allow", "192.168.1.0/24, 10.0.0.7", ("192.168.1.0/24", "10.0.0.7")),
        ("midi_offsets_ms", "bass=2,drums=-1", {"bass": 2.0, "drums": -1.0}),
        ("models_dir", "/models", Path("/models")),
    ],
)
def test_what_is_written_is_read_at_the_next_start(tmp_path: Path, name: str, text: str, value: object) -> None:
    file = file_in(tmp_path)
    view = file.change(name, text)
    assert getattr(load_settings({}, file=file.path), name) == value
    assert file.change(name, view.text) == view  # as it is shown it can be typed


def test_the_default_of_a_job_is_written(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    file.change("stems", "vocals,bass")
    assert load_settings({}, file=file.path).defaults.stems.audio == ("vocals", "bass")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "99999"),
        ("port", "many"),
        ("format", "xyz"),
        ("midi_ports", "two"),
        ("nonesuch", "1"),
        ("roots\n", "/"),
        ("state_dir", "~nobody-of-that-name/jobs"),
        ("state_dir", "/tmp/\0"),
        ("midi_names", "\ud800 {stem}"),
    ],
)
def test_a_bad_value_changes_nothing(tmp_path: Path, name: str, text: str) -> None:
    file = file_in(tmp_path)
    with pytest.raises(BadArguments) as refused:
        file.change(name, text)
    assert "--" not in refused.value.message
    assert file.path.read_text() == OWN


def test_a_private_file_stays_private_and_a_public_one_public(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    for mode in (0o600, 0o644):
        file.path.chmod(mode)
        file.change("port", "9801")
        assert stat.S_IMODE(file.path.stat().st_mode) == mode


def test_a_file_that_is_not_there_is_made_and_a_broken_one_is_left(tmp_path: Path) -> None:
    file = SettingsFile(Settings(), {"SAB_CONFIG": str(tmp_path / "new" / "config.toml")})
    file.change("engine", "draft")
    assert file.path.read_text() == 'engine = "draft"\n'
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    broken = file_in(tmp_path, "port = [")
    with pytest.raises(BadArguments, match="cannot be read"):
        broken.views()
    with pytest.raises(BadArguments, match="cannot be read"):
        broken.change("port", "1")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = SettingsFile(Settings(), {"SAB_CONFIG": str(tmp_path / "file" / "config.toml")})
    with pytest.raises((NotWritable, BadArguments)):
        file.change("port", "1")


def test_the_environment_wins_and_is_named(tmp_path: Path) -> None:
    views = {view.name: view for view in file_in(tmp_path, SAB_PORT="9999").views()}
    assert views["port"].overridden_by == "SAB_PORT"
    assert views["no_midi"].overridden_by == ""


async def test_a_download_is_told_from_its_start_to_its_end(tmp_path: Path) -> None:
    told: list[PullEvent] = []
    goes_on, all_ended = asyncio.Event(), asyncio.Event()

    def publish(event: PullEvent) -> None:
        told.append(event)
        if len([event for event in told if isinstance(event, Pulled)]) == 3:
            all_ended.set()

    async def fetch(name: str, on_progress: Callable[[float], None]) -> None:
        on_progress(0.5)
        await goes_on.wait()
        if name == "far":
            raise WeightsUnavailable("No server has it.", advice="")

    workshop = LocalWorkshop(file_in(tmp_path), fetch, publish)
    for name in ("near", "near", "far", "dropped"):
        workshop.pull(name)
    await asyncio.sleep(0)
    workshop.cancel_pull("dropped")
    goes_on.set()
    await all_ended.wait()
    assert told.count(Pulling(name="near", fraction=0.5)) == 1
    ends = {event.name: event for event in told if isinstance(event, Pulled)}
    assert (ends["near"].failure, ends["near"].is_cancelled, ends["dropped"].is_cancelled) == (None, False, True)
    assert ends["far"].failure is not None and ends["far"].failure.code == "weights_unavailable"
    await workshop.close()
