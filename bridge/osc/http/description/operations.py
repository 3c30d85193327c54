"""Everything that can be asked over HTTP, as one table: the routes and the OpenAPI description come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.osc.http.description.schemas import Schema, option_schemas, ref
from bridge.osc.http.view import DEFAULT_JOBS, MAX_JOBS

JSON = "application/json"


@dataclass(frozen=True)
class HttpParameter:
    """A part of the path, of the query, or a header."""

    name: str
    place: str
    """`path`, `query` or `header`."""
    help: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class HttpAnswer:
    """One status: what it says, and what it holds."""

    help: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    """By content type; empty: nothing."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    id: str
    method: str
    path: str
    """As OpenAPI and aiohttp both write it: `/jobs/{job}`."""
    help: str
    answers: Mapping[int, HttpAnswer]
    parameters: tuple[HttpParameter, ...] = ()
    body: Mapping[str, Schema] = field(default_factory=dict)
    """By content type."""
    needs_body: bool = False
    is_private: bool = True
    """Whether it needs the token."""


_ERROR: Mapping[str, Schema] = {JSON: ref("Error")}
_WORDS: Mapping[int, str] = {
    400: "The request is wrong.",
    401: "The token is missing or wrong.",
    403: "The request is of a web page that may not use the bridge, or names another host.",
    404: "There is no such job, file or part.",
    413: "The body is too large, or the clip too long.",
    415: "The body is of a kind that the bridge does not read.",
    416: "The file has no such bytes.",
    422: "The job cannot be done as it is asked for; or the Idempotency-Key belongs to another request.",
    503: "Not now: the queue is full, too many connections of this kind, or nothing that computes or plays.",
    507: "The drive is full.",
}
_JOB = HttpParameter("job", "path", "The job's id.")
_NAME = HttpParameter("name", "path", "The file's name, from `files` of the job.")
_OPTIONS = tuple(
    HttpParameter(name, "query", str(schema["description"]), schema)
    for name, schema in option_schemas().items()
    if isinstance(schema, dict)
)
_LIMIT = HttpParameter(
    "limit", "query", f"How many of the newest jobs; left out: {DEFAULT_JOBS}.",
    {"type": "integer", "minimum": 0, "maximum": MAX_JOBS},
)  # fmt: skip


def _answers(done: Mapping[int, HttpAnswer], *statuses: int) -> dict[int, HttpAnswer]:
    return {**done, **{status: HttpAnswer(_WORDS[status], _ERROR) for status in (*statuses, 400, 403)}}


def _private(done: Mapping[int, HttpAnswer], *statuses: int) -> dict[int, HttpAnswer]:
    return _answers(done, *statuses, 401)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "explore", "GET", "/", "The OSC addresses of the bridge, as OSCQuery describes them.",
        _answers({200: HttpAnswer("The tree.", {JSON: {"type": "object"}})}, 401), is_private=False,
    ),
    Operation(
        "describe", "GET", "/openapi.json", "This description.",
        _answers({200: HttpAnswer("It.", {JSON: {"type": "object"}})}, 401), is_private=False,
    ),
    Operation(
        "submitJob", "POST", "/jobs",
        "Separates a clip into stems and turns them into notes. The clip is a file on the bridge's computer (JSON), or "
        "comes with the request: as the body, or in a form. Then its results lie in a folder that the bridge chooses, "
        "unless `out` or `project` names one; the clip itself is removed when its job is over.",
        _private(
            {201: HttpAnswer("The job waits, or works.", {JSON: ref("Accepted")}, {"Location": "The job."})},
            413, 415, 422, 503, 507,
        ),
        (
            *_OPTIONS,
            HttpParameter("filename", "query", "What a clip is called that is the body itself."),
            HttpParameter(
                "Idempotency-Key", "header",
                "The same key gets the same answer, for a day: so a request whose answer was lost can be repeated.",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
            ),
        ),
        {JSON: ref("PathRequest"), "multipart/form-data": ref("Form"), "application/octet-stream": {}, "audio/*": {}},
        needs_body=True,
    ),
    Operation(
        "listJobs", "GET", "/jobs", "The newest jobs, oldest first.",
        _private({200: HttpAnswer("The list.", {JSON: ref("JobList")})}), (_LIMIT,),
    ),
    Operation(
        "showJob", "GET", "/jobs/{job}", "A job, with all that is known of it.",
        _private({200: HttpAnswer("The job.", {JSON: ref("JobWithFiles")})}, 404), (_JOB,),
    ),
    Operation(
        "endJob", "DELETE", "/jobs/{job}", "Cancels a job; one that is over is taken off the list. Its files stay.",
        _private(
            {202: HttpAnswer("It ends.", {JSON: ref("Summary")}), 204: HttpAnswer("It is off the list.")}, 404
        ),
        (_JOB,),
    ),
    Operation(
        "playJob", "POST", "/jobs/{job}/play", "Plays the notes of a finished job on the bridge's MIDI ports.",
        _private({204: HttpAnswer("They begin, or are armed.")}, 404, 413, 503), (_JOB,), {JSON: ref("PlayRequest")},
    ),
    Operation(
        "stopJob", "POST", "/jobs/{job}/stop", "Ends the playback of a job.",
        _private({204: HttpAnswer("It is silent.")}, 404), (_JOB,),
    ),
    Operation(
        "getFile", "GET", "/jobs/{job}/files/{name}", "A file that a job has written.",
        _private(
            {
                200: HttpAnswer("The file.", {"*/*": {}}, {"Content-Disposition": "Its name.", "ETag": "Its state."}),
                206: HttpAnswer("A part of it.", {"*/*": {}}, {"Content-Range": "Which."}),
            },
            404, 416, 422, 503,
        ),
        (
            _JOB, _NAME,
            HttpParameter("Range", "header", "A part of the file, as `bytes=0-65535`."),
            HttpParameter("If-Range", "header", "The ETag that the part must be of; else the whole file comes."),
        ),
    ),
    Operation(
        "followEvents", "GET", "/events",
        "Server-sent events of all jobs, or of one until it is over. The event's name is its type, its data is JSON: "
        "one of the schemas whose `type` that is. First comes `jobs`, a JobList.",
        _private(
            {
                200: HttpAnswer("The stream.", {"text/event-stream": {"type": "string"}}),
                204: HttpAnswer("The job is over, and nothing is new."),
            },
            404, 503,
        ),
        (
            HttpParameter("job", "query", "Only of this job."),
            HttpParameter("Last-Event-ID", "header", "The last event that a client had before it was cut off."),
        ),
    ),
)  # fmt: skip
