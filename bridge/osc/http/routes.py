"""The HTTP routes: the OSCQuery tree, and jobs for programs that poll. All of them are read-only.

Only `http.server` imports this module, at the first connection, because aiohttp would slow down every start.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.errors import BadArguments, BridgeError, NotFound
from bridge.osc.access.gate import Gate
from bridge.osc.handlers import SERVER_NAME
from bridge.osc.http import oscquery
from bridge.osc.http.connections import MAX_CONNECTIONS, LimitedConnections
from bridge.osc.http.view import DEFAULT_JOBS, MAX_JOBS, BridgeView

log = logging.getLogger(__name__)

#: Requests have no body, and need no more than a path and a few headers.
MAX_BODY_BYTES = 1024
MAX_LINE_BYTES = 4096

#: Web pages must not read, show or embed the answers, and browsers must not guess another content type.
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": SERVER_NAME,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: What a browser says of requests that another site's page caused.
_FOREIGN_PAGES = ("cross-site", "same-site")


async def start_routes(view: BridgeView, bound_socket: socket.socket, gate: Gate) -> Callable[[], Awaitable[None]]:
    """Serves on a bound socket; returns a function that stops the server."""
    loop = asyncio.get_running_loop()
    runner = web.AppRunner(
        application(view, bound_socket.getsockname()[0], gate), handle_signals=False, shutdown_timeout=1.0
    )
    await runner.setup()
    requests = runner.server
    assert requests is not None

    def handler() -> _Handler:
        return _Handler(
            requests,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as aiohttp's own runner passes it
            logger=log,  # aiohttp's own logger would print a stack trace for each broken request
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
        )

    server = await loop.create_server(LimitedConnections(handler), sock=bound_socket, backlog=MAX_CONNECTIONS)

    async def stop() -> None:
        server.close()
        await runner.cleanup()

    return stop


class _Handler(web.RequestHandler):
    """Answers what is not even HTTP as everything else: without the library's versions."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status < 500:
            log.warning("refused what is no HTTP request: %s", status)
            refusal = _refusal(status, "bad_arguments", "This is no HTTP request that the bridge understands.")
            refusal.force_close()
            return refusal
        response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = SERVER_NAME
        return response


def application(view: BridgeView, own_host: str, gate: Gate) -> web.Application:
    """The routes; `own_host` is the address that the server listens on, `gate` says who may ask."""

    async def jobs(request: web.Request) -> web.StreamResponse:
        return _answer(view.jobs(_limit(request)))

    async def job(request: web.Request) -> web.StreamResponse:
        return _answer(view.job(request.match_info["job"]))

    async def node(request: web.Request) -> web.StreamResponse:
        if "HOST_INFO" in request.query:  # for any path, as the proposal requires
            return _answer(view.host_info())
        found = oscquery.find_node(await view.address_space(), request.path)
        if found is None:
            raise NotFound(f"There is no OSC address {request.path}.", advice="GET / lists them.")
        return _attributes(found, list(request.query))

    routes = web.Application(
        middlewares=[_noted(view), _guarded(own_host, gate), _errors_as_json], client_max_size=MAX_BODY_BYTES
    )
    routes.router.add_get("/jobs", jobs)
    routes.router.add_get("/jobs/{job}", job)
    routes.router.add_get("/{path:.*}", node)
    routes.on_response_prepare.append(_close_after_answer)
    return routes


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


async def _close_after_answer(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    response.force_close()  # an open connection that asks for nothing more would only take a place


def _noted(view: BridgeView) -> Middleware:
    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        source = request.transport.get_extra_info("peername") if request.transport is not None else None
        host = str(source[0]) if source else ""
        agent = request.headers.get("User-Agent", "")
        view.readers.has_asked(host, agent, request.path, was_refused=response.status in (401, 403))
        return response

    return note


def _guarded(own_host: str, gate: Gate) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_own_name(request.headers.get("Host", ""), own_host):
            return _refusal(403, "forbidden", "Ask for localhost or 127.0.0.1: other names are not answered.")
        if request.headers.get("Sec-Fetch-Site", "none") in _FOREIGN_PAGES:
            return _refusal(403, "forbidden", "Web pages of other sites are not answered.")
        source = request.transport.get_extra_info("peername") if request.transport is not None else None
        problem = gate.http_problem(source or ("", 0), request.headers.get("Authorization", ""))
        if problem is not None:
            refusal = _refusal(401, problem.code, str(problem))
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        return await handler(request)

    return guard


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers errors as JSON."""
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
    """The whole node, or the named attributes: 204 if the node has none of them, 400 if a name is unknown."""
    if not names:
        return _answer(node)
    if unknown := [name for name in names if name not in oscquery.SUPPORTED | oscquery.UNSUPPORTED]:
        raise BadArguments(f"OSCQuery has no attribute {unknown[0]!r}.", advice="Write it in capitals, as ?VALUE.")
    found = {name: node[name] for name in names if name in node}
    return _answer(found) if found else web.Response(status=204, headers=_HEADERS)


def _limit(request: web.Request) -> int:
    limit = request.query.get("limit", str(DEFAULT_JOBS))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MAX_JOBS))):
        raise BadArguments(f"limit must be between 0 and {MAX_JOBS}, not {limit!r}.", advice="")
    return min(int(limit), MAX_JOBS)


def _answer(value: dict[str, object], status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json", headers=_HEADERS
    )


def _refusal(status: int, code: str, message: str) -> web.Response:
    return _answer({"code": code, "message": message}, status)
