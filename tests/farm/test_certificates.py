"""The farm's certificates: who is believed, for how long, and who may read them."""

from __future__ import annotations

import datetime
import ssl
import sys
from pathlib import Path

import pytest

from bridge.errors import BadArguments
from bridge.farm.access import bundle_file, certificates_for, farm_address, farm_folder
from bridge.farm.certificates import make_certificates, read_certificates, take_certificates

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def context(bundle: Path, side: ssl._SSLMethod) -> ssl.SSLContext:
    """What a machine with this bundle checks and shows."""
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(bundle)
    made.load_verify_locations(cadata=read_certificates(bundle, NOW).authority)
    return made


def meet(client: Path, server: Path) -> None:
    """A handshake of two machines, in memory. Raises SSLError if one does not believe the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = context(client, ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server)
    there = context(server, ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    there.write(b"welcome")
    assert here.read(7) == b"welcome"


def test_machines_with_one_bundle_believe_each_other_and_nobody_else(tmp_path: Path) -> None:
    mine = make_certificates(tmp_path / "a", days=30, now=NOW)
    theirs = make_certificates(tmp_path / "b", days=30, now=NOW)
    meet(mine, mine)
    with pytest.raises(ssl.SSLError):
        meet(theirs, mine)


def test_a_renewed_pair_is_believed_by_machines_with_the_old_one(tmp_path: Path) -> None:
    bundle = make_certificates(tmp_path, days=30, now=NOW)
    old = tmp_path / "old.pem"
    old.touch(mode=0o600)
    old.write_bytes(bundle.read_bytes())
    make_certificates(tmp_path, days=400, now=NOW)
    assert old.read_bytes() != bundle.read_bytes()
    meet(old, bundle)
    meet(bundle, old)


def test_the_authoritys_key_is_in_no_bundle_and_all_is_closed_to_others(tmp_path: Path) -> None:
    bundle = make_certificates(tmp_path, days=30, now=NOW)
    authority = farm_folder(tmp_path) / "authority.pem"
    key = authority.read_text().split("-----BEGIN CERTIFICATE-----")[0].strip()
    assert key.startswith("-----BEGIN PRIVATE KEY-----") and key not in bundle.read_text()
    if sys.platform != "win32":
        assert [path.stat().st_mode & 0o777 for path in (bundle, authority, bundle.parent)] == [0o600, 0o600, 0o700]


def test_they_expire(tmp_path: Path) -> None:
    bundle = make_certificates(tmp_path, days=30, now=NOW)
    assert read_certificates(bundle, NOW + 20 * DAY).days_left(NOW + 20 * DAY) in (9, 10)
    with pytest.raises(BadArguments, match="expired on"):
        read_certificates(bundle, NOW + 31 * DAY)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    bundle = make_certificates(tmp_path, days=30, now=NOW)
    bundle.chmod(0o640)
    with pytest.raises(BadArguments, match="chmod 600"):
        read_certificates(bundle, NOW)


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", bytes(range(256)) * 16]
)
def test_a_damaged_file_is_one_line_and_replaces_nothing(tmp_path: Path, content: bytes) -> None:
    mine = make_certificates(tmp_path, days=30, now=NOW)
    before = mine.read_bytes()
    damaged = tmp_path / "farm.pem"
    damaged.write_bytes(content)
    with pytest.raises(BadArguments, match="damaged"):
        take_certificates(damaged, tmp_path, NOW)
    assert mine.read_bytes() == before


def test_a_pair_of_another_authority_is_damaged(tmp_path: Path) -> None:
    one, two = (make_certificates(tmp_path / name, days=30, now=NOW).read_text() for name in "ab")
    mixed = tmp_path / "mixed.pem"
    end = "-----END CERTIFICATE-----\n"
    mixed.touch(mode=0o600)
    mixed.write_text(one.split(end)[0] + end + two.split(end)[1] + end)
    with pytest.raises(BadArguments, match="damaged"):
        read_certificates(mixed, NOW)


def test_another_machines_file_is_taken_with_closed_modes(tmp_path: Path) -> None:
    carried = tmp_path / "stick" / "farm.pem"
    carried.parent.mkdir()
    carried.write_bytes(make_certificates(tmp_path / "a", days=30, now=NOW).read_bytes())
    taken = take_certificates(carried, tmp_path / "b", NOW)
    assert taken == bundle_file(tmp_path / "b")
    meet(taken, bundle_file(tmp_path / "a"))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("tls://studio.local:9000", "tls://studio.local:9000"),
        ("TLS://studio", "tls://studio:8786"),
        ("tls://[::1]:1", "tls://[::1]:1"),
    ],
)
def test_an_address_has_a_port_that_is_usual(written: str, address: str) -> None:
    assert str(farm_address(written)) == address


@pytest.mark.parametrize(
    "written",
    ["", "studio", "http://studio", "tls://", "tls://a:0", "tls://a:99999", "tls://a/b", "tls://a b", "inproc://a"],
)
def test_anything_else_is_no_address(written: str) -> None:
    with pytest.raises(BadArguments, match="no address"):
        farm_address(written)


def test_without_encryption_there_must_be_a_word(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match="not encrypted"):
        farm_address("tcp://127.0.0.1")
    assert certificates_for("tcp://127.0.0.1", tmp_path, is_insecure=True) == ""


def test_without_certificates_it_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match="sab farm certificates"):
        certificates_for("tls://studio", tmp_path)


def test_without_dask_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.farm.access.find_spec", lambda _: None)
    with pytest.raises(BadArguments, match=r"source-audio-bridge\[farm\]"):
        certificates_for("tls://studio", tmp_path)
