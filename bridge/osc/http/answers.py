"""Answers in JSON, with the headers that all answers have, and the status of each error."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from bridge.errors import BridgeError
from bridge.osc.handlers import SERVER_NAME

#: Web pages must not read, show or embed the answers, and browsers must not guess another content type.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": SERVER_NAME,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: The status of each error's code.
STATUSES: Mapping[str, int] = {
    "unknown_address": 404,
    "bad_arguments": 400,
    "protocol": 400,
    "not_allowed": 401,
    "queue_full": 503,
    "busy": 503,
    "too_many_clients": 503,
    "not_found": 404,
    "not_readable": 422,
    "not_audio": 422,
    "too_long": 413,
    "outside_roots": 422,
    "not_writable": 422,
    "out_of_space": 507,
    "weights_unavailable": 422,
    "engine_failed": 503,
    "out_of_memory": 503,
    "internal": 500,
}
#: Where it was only the moment that did not suit, and after how many seconds a client may ask again.
OF_THE_MOMENT = frozenset({"queue_full", "busy", "too_many_clients", "out_of_memory"})
RETRY_SECONDS = "5"


class HttpRefusal(Exception):  # noqa: N818 - it is an answer
    """A refusal that is no error of the bridge's own, with its status."""

    def __init__(self, status: int, message: str, *, code: str = "bad_arguments") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        content_type="application/json",
        headers={**HEADERS, **(headers or {})},
    )


def no_content() -> web.Response:
    return web.Response(status=204, headers=HEADERS)


def refusal(status: int, code: str, message: str) -> web.Response:
    headers: dict[str, str] = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if code in OF_THE_MOMENT:
        headers["Retry-After"] = RETRY_SECONDS
    return answer({"code": code, "message": message}, status, headers)


def error_answer(error: BridgeError, status: int | None = None) -> web.Response:
    """The refusal for an error of the bridge; `status`: another one than that of its code."""
    return refusal(status or STATUSES.get(error.code, 500), error.code, str(error))
