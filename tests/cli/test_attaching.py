"""The addresses of bridges to attach to, and the options of one that goes on in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.attaching.background import as_arguments, go_on_in_background
from bridge.cli.attaching.opening import settings_at
from bridge.config import Settings, load_settings
from bridge.errors import BadArguments, EngineFailed
from tests.support.loopback import free_port

SETTINGS = Settings(state_dir=Path("/state"), port=9720)


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        (None, "/state/9720"),
        ("9721", "/state/9721"),
        ("127.0.0.1:9721", "/state/9721"),
        ("osc.udp://127.0.0.1:9721", "/state/9721"),
        ("osc.udp://[::1]:9721", "/state/9721-__1"),
        ("localhost:9721", "/state/9721"),
    ],
)
def test_an_address_leads_to_the_folder_of_its_bridge(address: str | None, folder: str) -> None:
    assert settings_at(SETTINGS, address).own_folder == Path(folder)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("what", "Name its port"),
        ("127.0.0.1", "Name its port"),
        ("127.0.0.1:99999", "Name its port"),
        ("999999", "port"),
        ("", "Name its port"),
        ("[", "Name its port"),
        ("studio.local:9720", "ssh -t studio.local sab tui --connect 9720"),
        ("192.168.1.2:9720", "ssh -t 192.168.1.2 sab tui --connect 9720"),
    ],
)
def test_what_is_no_address_of_this_computer_is_refused(address: str, says: str) -> None:
    with pytest.raises(BadArguments, match=says):
        settings_at(SETTINGS, address)


def test_options_are_written_as_they_were_given() -> None:
    given: dict[str, object] = {
        "port": 9721, "state_dir": Path("/a b"), "no_midi": True, "quantise": None, "allow": ["10.0.0.1", "10.0.0.2"],
        "clean": False,
    }  # fmt: skip
    assert [*as_arguments(given)] == [
        *("--port", "9721", "--state-dir", "/a b", "--no-midi"),
        *("--allow", "10.0.0.1", "--allow", "10.0.0.2", "--no-clean"),
    ]


@pytest.mark.end_to_end
async def test_why_a_bridge_does_not_go_on_is_said(tmp_path: Path) -> None:
    settings = load_settings({}, {"state_dir": tmp_path, "port": free_port()})
    with pytest.raises(EngineFailed, match="nonesuch"):
        await go_on_in_background(settings, ["--engine", "nonesuch", "--port", str(settings.port)])
