"""Challenge and response: how a client shows that it has a key, without sending it.

The bridge answers a hello with a nonce, which is bound to the address and port that asked. The client says hello again
with the HMAC-SHA256 of that nonce and its reply port under the key. So only who receives what is sent to an address can
speak from it. Nonces are computed from the address and the time, so strangers cannot fill a table with them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from bridge.osc.access.keys import AccessKey

#: How long a nonce can be answered, at least; at most twice as long.
NONCE_SECONDS = 30.0
#: With its address and types, a message with a nonce has 32 bytes: as few as the shortest hello with a reply port.
NONCE_CHARACTERS = 15
#: Characters of a pass, in hexadecimal: 128 bits.
PASS_CHARACTERS = 32
#: The address whose pass serves every program of this machine over HTTP.
LOOPBACK = "127.0.0.1"


def proof_of(key: AccessKey, nonce: str, reply_port: int) -> str:
    """The answer to a nonce, in hexadecimal. `reply_port` is that of the same hello, so that nobody can change it."""
    return _hex(key.content, f"proof {nonce} {reply_port}")


def pass_for(key: AccessKey, host: str) -> str:
    """What a program says hello with that cannot compute a proof, such as a Max patch; only good from that address.

    It goes over the network as it is, so who overhears it can use it, too, if they can also take that address.
    """
    return _hex(key.content, f"pass {host}")[:PASS_CHARACTERS]


def http_token(token: AccessKey) -> str:
    """What a program of this machine sends over HTTP, as `Authorization: Bearer`. The key itself is never sent."""
    return pass_for(token, LOOPBACK)


def is_pass(said: str, key: AccessKey, host: str) -> bool:
    return _is_same(said, pass_for(key, host))


class Nonces:
    """Makes nonces and recognises them, without remembering any."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: monotonic seconds."""
        self._now = now
        self._own = secrets.token_bytes(32)

    def for_endpoint(self, endpoint: tuple[Any, ...]) -> str:
        """The nonce for a (host, port) at this time."""
        return self._nonce(endpoint, self._slot())

    def accepts(self, proof: str, key: AccessKey, endpoint: tuple[Any, ...], reply_port: int) -> bool:
        """Whether `proof` answers a recent nonce for this (host, port), or is the pass of this host."""
        slot = self._slot()
        right = [proof_of(key, self._nonce(endpoint, recent), reply_port) for recent in (slot, slot - 1)]
        return is_pass(proof, key, endpoint[0]) or any(_is_same(proof, one) for one in right)

    def _slot(self) -> int:
        return int(self._now() // NONCE_SECONDS)

    def _nonce(self, endpoint: tuple[Any, ...], slot: int) -> str:
        digest = hmac.digest(self._own, f"{endpoint[0]} {endpoint[1]} {slot}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest)[:NONCE_CHARACTERS].decode()


def _hex(key: bytes, said: str) -> str:
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def _is_same(said: str, right: str) -> bool:
    """Compares in a time that does not tell how much is right."""
    return hmac.compare_digest(said.encode("utf-8", "replace"), right.encode())
