"""From the settings to the rules of the gate; and what a bridge that other computers reach must have."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

import platformdirs
from msgspec.structs import replace

from bridge.config import Settings, default_secret_file
from bridge.errors import BadArguments
from bridge.osc.access.accounts import OtherPeople
from bridge.osc.access.gate import Rules
from bridge.osc.access.keys import AccessKey, account_token, beyond_loopback, read_secret, read_token
from bridge.osc.access.networks import networks


def rules_of(settings: Settings) -> Rules:
    """The rules for a bridge with these settings; makes the account's token. It reads files, so not on the event loop.

    Raises:
        BadArguments: other computers would reach the bridge, and there is no secret, or no list of those that may.
    """
    secret = _secret(settings) if beyond_loopback(settings.host) else None
    own_account = 0 if sys.platform == "win32" else os.geteuid()
    return Rules(
        local_access=settings.local_access,
        token=account_token(settings.state_dir),
        read_token=partial(read_token, settings.state_dir),
        secret=secret,
        allow=networks(settings.allow) if secret else (),
        own_account=own_account,
        other_people_are_here=OtherPeople(own_account, time.monotonic).are_here,
    )


def with_safe_roots(settings: Settings) -> Settings:
    """The settings, with the music folder as the only root where other computers may ask and the user named none."""
    if settings.roots or not beyond_loopback(settings.host):
        return settings
    return replace(settings, roots=(Path(platformdirs.user_music_path()),))


def _secret(settings: Settings) -> AccessKey:
    how = (
        "Start it with --allow and the addresses of those computers, as: --allow 192.168.1.0/24. See docs/security.md."
    )
    path = settings.secret_file or default_secret_file()
    if settings.secret_file is None and not path.exists():
        raise BadArguments(
            f"With the host {settings.host} other computers reach the bridge, and there is no secret for them.",
            advice=f"Make one with `sab secret new`. {how}",
        )
    secret = read_secret(path)
    if not settings.allow:
        raise BadArguments(
            f"With the host {settings.host} other computers reach the bridge, and no setting says which may ask.",
            advice=how,
        )
    return secret
