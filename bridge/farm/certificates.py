"""The farm's certificates: one authority, and one pair that all its machines show each other.

Who has the pair may run programs on every machine of the farm, so its file is closed to other accounts.
"""

from __future__ import annotations

import datetime
import os
import stat
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bridge.errors import BadArguments, NotWritable
from bridge.farm.access import bundle_file, farm_folder
from bridge.system.files import read_small, write_whole

AUTHORITY_DAYS = 3650
#: How long the machines' pair is valid, unless the user says otherwise.
PAIR_DAYS = 825
#: From here on each start says that the pair will expire.
WARNING_DAYS = 30
#: A clock that is a little slow must not refuse a new certificate.
_SLACK = datetime.timedelta(hours=1)
_NEW = "`sab farm certificates` on the machine that made them makes a new farm.pem; copy it to all machines."


class Certificates(NamedTuple):
    """What a machine of the farm shows, and whom it believes; each as PEM."""

    authority: str
    certificate: str
    key: str
    expires: datetime.datetime

    def days_left(self, now: datetime.datetime) -> int:
        return (self.expires - now).days


def make_certificates(state_dir: Path, *, days: int, now: datetime.datetime) -> Path:
    """Makes a pair, and the authority if there is none; returns the bundle, which all machines need.

    The authority's key stays in this folder, so that a pair made later is believed by machines with an older one.

    Raises:
        NotWritable: they cannot be written.
        BadArguments: the authority that is there is damaged.
    """
    folder = farm_folder(state_dir)
    try:
        authority, authority_key = _authority(folder, now)
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        pair = (
            _certificate("Source Audio Bridge farm machine", key, authority.subject, now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        bundle = bundle_file(state_dir)
        write_whole(bundle, _key_pem(key) + _pem(pair) + _pem(authority))
    except OSError as error:
        raise NotWritable(f"The certificates cannot be written to {folder}: {error.strerror or error}.") from error
    return bundle


def read_certificates(path: Path, now: datetime.datetime) -> Certificates:
    """The certificates in a bundle.

    Raises:
        BadArguments: there is none, it is damaged or expired, or other accounts may read it.
    """
    try:
        content = read_small(path)
        is_open = os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if is_open:
        advice = f"Say: chmod 600 {path}"
        raise BadArguments(f"Other accounts may read {path}, and run programs on the farm with it.", advice=advice)
    return _parsed(content, path, now)


def _parsed(content: bytes, path: Path, now: datetime.datetime) -> Certificates:
    """Raises BadArguments: they are damaged or expired."""
    try:
        pair, authority = x509.load_pem_x509_certificates(content)
        key = serialization.load_pem_private_key(content, None)
        pair.verify_directly_issued_by(authority)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != pair.public_key():
            raise ValueError("the key is of another certificate")
    except Exception as error:  # cryptography raises what its parsers raise
        raise BadArguments(f"The certificates {path} are damaged ({error}).", advice=_NEW) from error
    expires = min(pair.not_valid_after_utc, authority.not_valid_after_utc)
    if expires <= now:
        raise BadArguments(f"The farm's certificates expired on {expires:%d %B %Y}.", advice=_NEW)
    return Certificates(_pem(authority).decode(), _pem(pair).decode(), _key_pem(key).decode(), expires)


def _unreadable(path: Path, error: OSError | ValueError) -> BadArguments:
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return BadArguments(f"The certificates {path} cannot be read ({why}).", advice="Name a farm.pem.")


def _authority(folder: Path, now: datetime.datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The authority of this folder, made if there is none. Raises OSError, BadArguments."""
    path = folder / "authority.pem"
    if path.exists():
        try:
            content = read_small(path)
            key = serialization.load_pem_private_key(content, None)
            found = x509.load_pem_x509_certificate(content)
            if not isinstance(key, ec.EllipticCurvePrivateKey) or found.not_valid_after_utc <= now:
                raise ValueError("it has expired, or is of another kind")
        except ValueError as error:
            advice = "Remove it, and make all machines' certificates anew."
            raise BadArguments(f"The authority {path} cannot be used ({error}).", advice=advice) from error
        return found, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = "Source Audio Bridge farm authority"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _certificate(name, key, subject, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_whole(path, _key_pem(key) + _pem(made))
    return made, key


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def take_certificates(path: Path, state_dir: Path, now: datetime.datetime) -> Path:
    """Copies the bundle of another machine to where this one keeps it, closed to other accounts.

    Raises:
        BadArguments: there is no such file, or it is damaged or expired; then this machine keeps what it has.
        NotWritable: it cannot be written.
    """
    try:
        content = read_small(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    _parsed(content, path, now)
    bundle = bundle_file(state_dir)
    try:
        write_whole(bundle, content)
    except OSError as error:
        raise NotWritable(f"The certificates cannot be written to {bundle}: {error.strerror or error}.") from error
    return bundle
