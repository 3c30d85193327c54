"""What is answered over HTTP: the OSCQuery tree, and jobs for programs that poll. Nothing can be changed this way.

Only `http_server` imports this module, when somebody connects: aiohttp is not for the start of every bridge.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.errors import BadArguments, BridgeError, NotFound
from bridge.osc.http import oscquery
from bridge.osc.http.view import MOST_JOBS, USUAL_JOBS, BridgeView

log = logging.getLogger(__name__)

#: No request has a body, and none needs more than a path and a few headers.
MAX_BODY_BYTES = 1024
MAX_LINE_BYTES = 4096
IDLE_SECONDS = 15.0

#: No page in a browser may read the answers, or show them as anything else.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def start_routes(shown: BridgeView, door: socket.socket) -> Callable[[], Awaitable[None]]:
    """Serves on a bound socket; gives what ends that."""
    runner = web.AppRunner(
        application(shown, own_host=door.getsockname()[0]),
        access_log=None,
        logger=log,  # aiohttp's own would write a trace on the terminal for each broken request
        handle_signals=False,
        keepalive_timeout=IDLE_SECONDS,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    await web.SockSite(runner, door).start()
    return runner.cleanup


def application(shown: BridgeView, own_host: str) -> web.Application:
    """The routes; `own_host` is the address that the server listens on."""

    async def jobs(request: web.Request) -> web.StreamResponse:
        return _answer(shown.jobs(_limit(request)))

    async def job(request: web.Request) -> web.StreamResponse:
        return _answer(shown.job(request.match_info["job"]))

    async def node(request: web.Request) -> web.StreamResponse:
        if "HOST_INFO" in request.query:  # whatever the path is, says the proposal
            return _answer(shown.host_info())
        found = oscquery.find_node(await shown.address_space(), request.path)
        if found is None:
            raise NotFound(f"There is no OSC address {request.path}.", advice="GET / lists them.")
        return _attributes(found, list(request.query))

    routes = web.Application(middlewares=[_guarded(own_host), _told], client_max_size=MAX_BODY_BYTES)
    routes.router.add_get("/jobs", jobs)
    routes.router.add_get("/jobs/{job}", job)
    routes.router.add_get("/{path:.*}", node)
    return routes


def is_own_name(host: str, own_host: str) -> bool:
    """Whether a request's `Host` header names this server.

    A page on the internet can give its own name this computer's address and then read from it as from itself (DNS
    rebinding); but the browser still sends that name. Numbers cannot be bent like that.
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


def _guarded(own_host: str) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_own_name(request.headers.get("Host", ""), own_host):
            return _refusal(403, "forbidden", "Ask for localhost or 127.0.0.1: other names are not answered.")
        return await handler(request)

    return guard


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives errors as JSON too."""
    try:
        return await handler(request)
    except NotFound as error:
        return _refusal(404, error.code, str(error))
    except BridgeError as error:
        return _refusal(400, error.code, str(error))
    except web.HTTPMethodNotAllowed as error:
        refusal = _refusal(405, "bad_arguments", "Only GET: to change something, send OSC.")
        refusal.headers["Allow"] = error.headers["Allow"]
        return refusal


def _attributes(node: oscquery.Node, names: list[str]) -> web.Response:
    """The whole node, or some of its attributes: 204 where it has none of them, 400 where nobody knows them."""
    if not names:
        return _answer(node)
    if unknown := [name for name in names if name not in oscquery.SUPPORTED | oscquery.UNSUPPORTED]:
        raise BadArguments(f"OSCQuery has no attribute {unknown[0]!r}.", advice="Write it in capitals, as ?VALUE.")
    found = {name: node[name] for name in names if name in node}
    return _answer(found) if found else web.Response(status=204, headers=_HEADERS)


def _limit(request: web.Request) -> int:
    written = request.query.get("limit", str(USUAL_JOBS))
    if not (written.isascii() and written.isdigit() and len(written) <= len(str(MOST_JOBS))):
        raise BadArguments(f"limit must be between 0 and {MOST_JOBS}, not {written!r}.", advice="")
    return min(int(written), MOST_JOBS)


def _answer(value: dict[str, object], status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json", headers=_HEADERS
    )


def _refusal(status: int, code: str, message: str) -> web.Response:
    return _answer({"code": code, "message": message}, status)
