"""The HTTP routes: jobs, events, and the OSCQuery tree.

Only `http.server` imports this module, at the first connection, because aiohttp would slow down every start.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from bridge.errors import BadArguments, BridgeError, InternalError, NotFound
from bridge.osc.access.gate import Gate
from bridge.osc.http import oscquery
from bridge.osc.http.answers import HttpRefusal, answer, error_answer, no_content, refusal
from bridge.osc.http.connections import MAX_CONNECTIONS, LimitedConnections
from bridge.osc.http.description.openapi import description
from bridge.osc.http.description.operations import OPERATIONS
from bridge.osc.http.guard import Guard, source_of
from bridge.osc.http.jobs.acting import Acting
from bridge.osc.http.jobs.bodies import MAX_JSON_BYTES
from bridge.osc.http.jobs.events import EventStreams
from bridge.osc.http.jobs.files import Files
from bridge.osc.http.jobs.submitting import Submitting
from bridge.osc.http.view import BridgeView
from bridge.system.clock import SystemClock

log = logging.getLogger(__name__)

#: Of a request's first line, and of each header.
MAX_LINE_BYTES = 4096
MAX_HEADERS = 64
#: How long what a client still sends after its refusal is read and dropped, so that it can read the refusal.
LINGER_SECONDS = 1.0
#: Parts of a path; the library by itself would let them have no brackets.
_NAMES = re.compile(r"\{(\w+)\}")


async def start_routes(view: BridgeView, bound_socket: socket.socket, gate: Gate) -> Callable[[], Awaitable[None]]:
    """Serves on a bound socket; returns a function that stops the server."""
    loop = asyncio.get_running_loop()
    guard = Guard(gate, bound_socket.getsockname()[0], view.origins)
    runner = web.AppRunner(application(view, guard), handle_signals=False, shutdown_timeout=1.0)
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
            max_headers=MAX_HEADERS,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,  # a small body must not become a large one
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
        message: str | None = None,  # noqa: ARG002 - the library's words
    ) -> web.StreamResponse:
        if status < 500:
            log.warning("refused what is no HTTP request: %s", status)
            refused = refusal(status, "bad_arguments", "This is no HTTP request that the bridge understands.")
            refused.force_close()
            return refused
        if isinstance(exc, ConnectionError) and _is_gone(request):
            log.info("%s %s: the client has gone", request.method, request.path)
        else:
            log.error("%s %s failed", request.method, request.path, exc_info=exc)
        failure = error_answer(InternalError(f"The answer failed: {type(exc).__name__}."))
        failure.force_close()
        return failure


def _is_gone(request: web.BaseRequest) -> bool:
    """Whether nobody is there any more to take an answer: the client has left, or was cut off."""
    return request.transport is None or request.transport.is_closing()


def application(view: BridgeView, guard: Guard) -> web.Application:
    """The routes of a bridge, with a guard before them."""
    acting, events = Acting(view), EventStreams(view)
    handlers: Mapping[str, Handler] = {
        "explore": _explorer(view),
        "describe": _describe,
        "submitJob": Submitting(view, SystemClock()).submit,
        "listJobs": acting.list_jobs,
        "showJob": acting.show,
        "endJob": acting.end,
        "playJob": acting.play,
        "stopJob": acting.stop,
        "getFile": Files(view).send,
        "followEvents": events.send,
    }

    open_to_all = (handlers["explore"], handlers["describe"])

    async def refused(request: web.Request) -> web.StreamResponse | None:
        return await guard.refusal(request, is_private=request.match_info.handler not in open_to_all)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        instead = await refused(request)
        return await handler(request) if instead is None else instead  # an answer may be false: aiohttp's are mappings

    async def before_body(request: web.Request) -> web.StreamResponse | None:
        """Instead of a body that a client announces and waits with, it gets a refusal, or is told to go on."""
        if (instead := await refused(request)) is not None:
            return instead
        if request.headers.get("Expect", "").lower() != "100-continue":
            return refusal(417, "bad_arguments", "The bridge knows only Expect: 100-continue.")
        if (request.content_length or 0) > max(view.uploads.max_bytes, MAX_JSON_BYTES):
            return refusal(413, "too_long", f"The body may have {view.uploads.max_bytes} bytes.")
        if request.version >= HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun
        return None

    async def close_streams(_: web.Application) -> None:
        events.close()

    routes = web.Application(middlewares=[_noted(view), guarded, _errors_as_json], client_max_size=MAX_JSON_BYTES)
    for operation in OPERATIONS:
        route, path = handlers[operation.id], _NAMES.sub(r"{\1:[^/]+}", operation.path)
        routes.router.add_route(operation.method, path, route, expect_handler=before_body)
        if operation.method == "GET" and operation.id != "followEvents":
            routes.router.add_route("HEAD", path, route, expect_handler=before_body)
    routes.router.add_get("/{path:.*}", handlers["explore"], expect_handler=before_body)

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.force_close()  # an open connection that asks for nothing more would only take a place
        guard.allow_reading(request, response)

    routes.on_response_prepare.append(prepare)
    routes.on_shutdown.append(close_streams)
    return routes


def _explorer(view: BridgeView) -> Handler:
    async def explore(request: web.Request) -> web.StreamResponse:
        if "HOST_INFO" in request.query:  # for any path, as the proposal requires
            return answer(view.host_info())
        found = oscquery.find_node(await view.address_space(), request.path)
        if found is None:
            raise NotFound(
                f"There is no address {request.path}.", advice="GET / lists those of OSC, GET /openapi.json the others."
            )
        return _attributes(found, list(request.query))

    return explore


@cache
def _description() -> bytes:
    return msgspec.json.encode(description())


async def _describe(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - all get the same
    return answer(msgspec.Raw(_description()))


def _noted(view: BridgeView) -> Middleware:
    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        host, agent = str(source_of(request)[0]), request.headers.get("User-Agent", "")
        response = await handler(request)
        view.readers.has_asked(host, agent, request.path, was_refused=response.status in (401, 403))
        return response

    return note


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers errors as JSON."""
    try:
        return await handler(request)
    except HttpRefusal as error:
        return refusal(error.status, error.code, str(error))
    except BridgeError as error:
        return error_answer(error)
    except web.HTTPRequestEntityTooLarge:
        return refusal(413, "bad_arguments", f"The body may have {MAX_JSON_BYTES} bytes.")
    except (web.RequestPayloadError, HttpProcessingError):
        return refusal(400, "bad_arguments", "The body is not what its header says.")
    except web.HTTPMethodNotAllowed as error:
        words = f"There is only {', '.join(sorted(error.allowed_methods))} here. GET /openapi.json describes all."
        refused = refusal(405, "bad_arguments", words)
        refused.headers["Allow"] = error.headers["Allow"]
        return refused
    except web.HTTPException as error:  # what no route takes, such as CONNECT
        return refusal(error.status, "bad_arguments", f"{error.reason}. GET /openapi.json describes what there is.")


def _attributes(node: oscquery.Node, names: list[str]) -> web.Response:
    """The whole node, or the named attributes: 204 if the node has none of them, 400 if a name is unknown."""
    if not names:
        return answer(node)
    if unknown := [name for name in names if name not in oscquery.SUPPORTED | oscquery.UNSUPPORTED]:
        raise BadArguments(f"OSCQuery has no attribute {unknown[0]!r}.", advice="Write it in capitals, as ?VALUE.")
    found = {name: node[name] for name in names if name in node}
    return answer(found) if found else no_content()
