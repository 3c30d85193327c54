"""Secrets as files, and a bridge that other computers reach."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.app import open_bridge
from bridge.config import Settings, default_secret_file, load_settings
from bridge.errors import BadArguments
from bridge.osc.access.keys import (
    MIN_SECRET_CHARACTERS,
    account_token,
    keys_for,
    new_secret,
    read_secret,
    read_token,
)
from bridge.osc.access.rules import rules_of, with_safe_roots

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps other users out of the profile")


def reachable(folder: Path, **more: object) -> Settings:
    """Settings of a bridge that other computers reach."""
    given = {"host": "0.0.0.0", "port": 0, "no_midi": True, "state_dir": folder / "state", **more}
    return load_settings({}, given)


@posix
def test_a_new_secret_is_long_and_only_ours(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    new_secret(path)
    assert len(read_secret(path).content) >= 40
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o700, 0o600]
    before = path.read_bytes()
    with pytest.raises(BadArguments, match="already"):
        new_secret(path)
    assert path.read_bytes() == before


@posix
def test_a_secret_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadArguments, match="already"):
        new_secret(tmp_path / "secret")
    assert not (tmp_path / "elsewhere").exists()


@posix
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    new_secret(path)
    path.chmod(0o644)
    with pytest.raises(BadArguments, match="chmod 600"):
        read_secret(path)


def test_a_short_secret_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("hunter2\n")
    with pytest.raises(BadArguments, match="at least 24") as caught:
        read_secret(path)
    assert "hunter2" not in str(caught.value)


def test_the_account_s_token_is_made_once(tmp_path: Path) -> None:
    first = account_token(tmp_path / "state")
    again = account_token(tmp_path / "state")
    assert first is not None and again is not None
    assert first.content == again.content
    assert [key.content for key in keys_for(load_settings({}, {"state_dir": tmp_path / "state"}))] == [first.content]


@pytest.mark.parametrize("left", [b"", b"\n", b"half of it"])
def test_a_token_whose_maker_was_killed_is_nobody_s_key(tmp_path: Path, left: bytes) -> None:
    folder = tmp_path / "state"
    new_secret(folder / "token")
    (folder / "token").write_bytes(left)
    assert keys_for(load_settings({}, {"state_dir": folder})) == []
    with pytest.raises(BadArguments, match="broken"):
        read_token(folder)
    made = account_token(folder)
    assert made is not None and len(made.content) >= MIN_SECRET_CHARACTERS
    assert read_token(folder).content == made.content


async def test_without_a_secret_no_other_computer_is_let_in(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match=r"`sab secret new`.*--allow 192\.168\.1\.0/24"):
        async with open_bridge(reachable(tmp_path, allow=["192.168.1.0/24"])):
            pytest.fail("it started")


async def test_without_a_list_no_other_computer_is_let_in(tmp_path: Path) -> None:
    new_secret(default_secret_file())
    with pytest.raises(BadArguments, match="which may ask"):
        async with open_bridge(reachable(tmp_path)):
            pytest.fail("it started")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_no_secret_is_needed(tmp_path: Path, host: str) -> None:
    settings = reachable(tmp_path, host=host)
    rules = rules_of(settings)
    assert (rules.secret, rules.allow) == (None, ())
    assert with_safe_roots(settings).roots == ()


def test_other_computers_reach_only_the_music_folder_unless_the_user_names_others(tmp_path: Path) -> None:
    settings = reachable(tmp_path)
    (root,) = with_safe_roots(settings).roots
    assert root.name == "Music"
    assert with_safe_roots(replace(settings, roots=(tmp_path,))).roots == (tmp_path,)


@pytest.mark.parametrize("allow", ["studio", "192.168.1.0/40", ""])
def test_a_wrong_address_is_told(allow: str) -> None:
    with pytest.raises(BadArguments, match="allow must be addresses or networks"):
        load_settings({}, {"allow": [allow]})


def test_addresses_come_from_the_environment_with_commas() -> None:
    assert load_settings({"SAB_ALLOW": "10.0.0.0/8, 192.168.1.20"}).allow == ("10.0.0.0/8", "192.168.1.20")
