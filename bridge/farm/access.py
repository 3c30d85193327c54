"""Who reaches a farm: its address, and where this machine keeps its certificates. Nothing here loads Dask."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bridge.errors import BadArguments
from bridge.system.sockets import url

DEFAULT_PORT = 8786
LOOPBACK = "127.0.0.1"
#: Who may connect may run any program: Dask sends functions to be run.
DANGER = (
    "Everybody who can reach this address can run programs on every machine of the farm, because nothing is encrypted "
    "and nobody is asked who they are. Use it only where nobody else is."
)
TRUST = "Who has this farm's farm.pem can run any program on every machine of the farm: keep it as you keep a password."
_ADDRESS = re.compile(
    r"(?P<scheme>tls|tcp)://(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?", re.IGNORECASE
)


class FarmAddress(NamedTuple):
    """Where a scheduler listens."""

    scheme: str
    """`tls`, or `tcp` without encryption."""
    host: str
    port: int

    def __str__(self) -> str:
        return url(*self)

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def farm_address(written: str, *, is_insecure: bool = False) -> FarmAddress:
    """The address of a scheduler, as `tls://studio:8786`; without a port it is 8786.

    Raises:
        BadArguments: it is none, or `tcp://` without `is_insecure`.
    """
    found = _ADDRESS.fullmatch(written.strip())
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port <= 65535:
        raise BadArguments(f"{written} is no address of a farm.", advice="Write it as tls://studio.local:8786.")
    address = FarmAddress(found["scheme"].lower(), found["host"].strip("[]"), port)
    if address.scheme == "tcp" and not is_insecure:
        raise BadArguments(
            f"{written} is not encrypted: who reaches it can run programs on every machine of the farm.",
            advice="Use tls:// and `sab farm certificates`; some commands take it with --insecure.",
        )
    return address


def farm_folder(state_dir: Path) -> Path:
    """Where this machine keeps what belongs to the farm."""
    return state_dir / "farm"


def bundle_file(state_dir: Path) -> Path:
    """The file with the farm's certificates and this machine's key: the same on all its machines."""
    return farm_folder(state_dir) / "farm.pem"


def certificates_for(address: str, state_dir: Path, *, is_insecure: bool = False) -> str:
    """The path of the certificates for an address; empty where there is no encryption.

    Raises:
        BadArguments: the address cannot be used, Dask is not installed, or there are no certificates.
    """
    scheme = farm_address(address, is_insecure=is_insecure).scheme
    require_farm()
    if scheme == "tcp":
        return ""
    bundle = bundle_file(state_dir)
    if not bundle.is_file():
        raise BadArguments(
            "This machine has no certificates of the farm.",
            advice=f"Make them on one machine with `sab farm certificates`, and copy its farm.pem to {bundle}.",
        )
    return str(bundle)


def require_farm() -> None:
    """Raises BadArguments unless Dask and cryptography are installed."""
    if find_spec("distributed") is None or find_spec("cryptography") is None:
        raise BadArguments(
            "The farm needs Dask, which is not installed.",
            advice='Say: pipx install --force "source-audio-bridge[farm]"',
        )
