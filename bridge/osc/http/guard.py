"""Who may ask what over HTTP: checked before anything of a request is read but its head."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from bridge.osc.access.gate import Gate
from bridge.osc.http.answers import HEADERS, error_answer, refusal
from bridge.osc.traffic.endpoints import Endpoint

#: What a browser says of requests that another site's page caused.
_FOREIGN_PAGES = ("cross-site", "same-site")
_METHODS = "GET, HEAD, POST, DELETE"
_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Range, Last-Event-ID, Range"
_ANSWER_HEADERS = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After"
#: How long a browser may remember a preflight, in seconds.
_PREFLIGHT_SECONDS = "600"


@dataclass(frozen=True)
class Guard:
    """Refuses requests by their origin and their keys.

    Args:
        own_host: the address that the server listens on.
        origins: the web pages that may use the bridge.
    """

    gate: Gate
    own_host: str
    origins: Collection[str] = ()

    async def refusal(self, request: web.Request, *, is_private: bool) -> web.StreamResponse | None:
        """The refusal of a request; None: it may go on.

        Args:
            is_private: whether it needs the token.
        """
        hosts, origins = (request.headers.getall(name, []) for name in ("Host", "Origin"))
        if len(hosts) != 1 or not is_own_name(hosts[0], self.own_host):
            return refusal(403, "forbidden", "Ask for localhost or 127.0.0.1: other names are not answered.")
        if not origins:
            if request.headers.get("Sec-Fetch-Site", "none") in _FOREIGN_PAGES:
                return refusal(403, "forbidden", "Web pages of other sites are not answered.")
        elif len(origins) > 1 or origins[0] not in self.origins:
            words = f"Pages of {origins[0][:100]!r} may not use the bridge: see `http_origins` in docs/settings.md."
            return refusal(403, "forbidden", words)
        if origins and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return _preflight()
        said = request.headers.get("Authorization", "")
        if is_private:
            problem = await self.gate.bearer_problem(source_of(request), said)
        else:
            problem = self.gate.http_problem(source_of(request), said)
        return None if problem is None else error_answer(problem)

    def allow_reading(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Lets a page that may use the bridge read the answer."""
        origin = request.headers.get("Origin")
        if self.origins:
            response.headers["Vary"] = "Origin"
        if origin is not None and origin in self.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _ANSWER_HEADERS


def source_of(request: web.BaseRequest) -> Endpoint:
    """The address and port that a request comes from."""
    source = request.transport.get_extra_info("peername") if request.transport is not None else None
    return source or ("", 0)


def is_own_name(host: str, own_host: str) -> bool:
    """Whether a request's `Host` header names this server.

    A web site can make its own name resolve to this computer's address, and then read from it as from itself (DNS
    rebinding); but the browser still sends that name. A numeric address cannot be abused in this way.
    """
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not ipaddress.ip_address(own_host).is_loopback


def _preflight() -> web.Response:
    """What a browser wants to know before it sends a page's request: it has no token yet."""
    return web.Response(
        status=204,
        headers={
            **HEADERS,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _REQUEST_HEADERS,
            "Access-Control-Allow-Private-Network": "true",
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        },
    )
