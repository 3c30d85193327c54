"""The OpenAPI description is valid, and the server does what it says: every answer is one that it names."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from bridge.events import Ended, Event, Produced, Progressed, Restored, Submitted
from bridge.model import Job, Music, Result
from bridge.options.record import event_record, job_record
from bridge.options.table import OPTIONS
from bridge.osc.http.answers import STATUSES
from bridge.osc.http.description.openapi import description
from bridge.osc.http.description.operations import OPERATIONS, Operation
from bridge.osc.http.description.schemas import option_schemas
from tests.support.fakes import FakeBridge
from tests.support.http_site import ALLOWED, HttpResponse, http_site
from tests.support.requests import request_for

DESCRIPTION = json.loads(json.dumps(description()))
ROWS = {operation.id: operation for operation in OPERATIONS}
#: What a stream and a broken body may take to end.
SECONDS = 10
MOST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def resolved(schema: Any) -> Any:
    """The schema with every reference replaced by what it names."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return resolved(DESCRIPTION["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        return {name: resolved(value) for name, value in schema.items()}
    return [resolved(value) for value in schema] if isinstance(schema, list) else schema


def check(value: object, schema: Mapping[str, Any]) -> None:
    Draft202012Validator(resolved(schema)).validate(value)


def test_it_is_a_valid_description() -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()


def test_every_option_of_a_job_is_in_it() -> None:
    body = DESCRIPTION["paths"]["/jobs"]["post"]
    assert set(OPTIONS) < {parameter["name"] for parameter in body["parameters"]}
    properties = DESCRIPTION["components"]["schemas"]["PathRequest"]["properties"]
    assert set(properties) == {"path", *OPTIONS}
    assert all(option.help in properties[name]["description"] for name, option in OPTIONS.items())


def test_every_code_of_an_error_has_a_status() -> None:
    codes = DESCRIPTION["components"]["schemas"]["Error"]["properties"]["code"]["enum"]
    assert {*STATUSES, "forbidden"} == set(codes)


def job() -> Job:
    results = (Result(kind="stem", name="bass", folder="/out", file="b.wav", seconds=2, sample_rate_hz=8000),)
    return Job(
        id="j1", name="a", request=request_for("/a.wav"), submitted_unix=1.0, state="done", results=results,
        music=Music(tempo_bpm=90, tempo_source="given"), output_dir="/out", ended_unix=2.0,
    )  # fmt: skip


def test_jobs_and_events_are_as_it_says() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    check(json.loads(json.dumps(job_record(job()))), schemas["Job"])
    said: list[Event] = [
        Submitted(job="j1", name="a", request=request_for("/a.wav"), unix_seconds=1.0),
        Progressed(job="j1", stage="writing", fraction=0.5),
        Produced(job="j1", result=job().results[0]),
        Ended(job="j1", outcome="done", unix_seconds=1.0),
        Restored(job="j1", unix_seconds=1.0),
    ]
    for event in said:
        record = json.loads(json.dumps(event_record(event)))
        check(record, schemas[type(event).__name__])
        with pytest.raises(Exception, match="Additional properties"):
            check({**record, "more": 1}, schemas[type(event).__name__])


class Live:
    """A server in a thread of its own, for tests that are no coroutines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bridge = FakeBridge()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._is_open = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    async def _serve(self) -> None:
        async with http_site(self.folder, self.bridge) as site:
            self.port = site.port
            self._is_open.set()
            await self._end.wait()

    def __enter__(self) -> Live:
        self._thread.start()
        assert self._is_open.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        self._loop.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        """A request that ends soon: of a stream only the head is read."""
        self.bridge.table.clear()
        self.bridge.table["j1"] = job()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            is_stream = answer.headers.get_content_type() == "text/event-stream"
            return HttpResponse(answer.status, dict(answer.headers), b"" if is_stream else answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("live")) as running:
        yield running


def conforms(operation: Operation, answer: HttpResponse) -> None:
    """The answer is one that the description names."""
    responses = DESCRIPTION["paths"][operation.path][operation.method.lower()]["responses"]
    assert str(answer.status) in responses, (answer.status, answer.body)
    contents = responses[str(answer.status)].get("content")
    if contents is None:
        assert answer.body == b""
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in contents or "*/*" in contents
    if kind == "application/json" and kind in contents:
        check(answer.json, contents[kind]["schema"])


TOKEN = dict([ALLOWED.decode().strip().split(": ", 1)])
#: Anything that http.client sends: its own limits are not those of the bridge.
HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
#: What a path can name: dots alone are steps, which are taken before anything is looked up.
SEGMENTS = ANY_TEXT.filter(lambda text: text not in ("", ".", ".."))


def values_of(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that are right by a schema, of the few keywords that the description uses."""
    if "anyOf" in schema:
        return st.one_of([values_of(one) for one in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    least, most = schema.get("minimum"), schema.get("maximum")
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(least, most)
        case "number":
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
        case "array":
            return st.lists(values_of(schema["items"]), min_size=schema["minItems"], unique=schema["uniqueItems"])
        case "object":
            each = {name: values_of(one) for name, one in schema["properties"].items()}
            needed = {name: each.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional=each)
        case kind:
            assert kind == "string"
            return ANY_TEXT


def written(value: object) -> str:
    """A value in a query: `style: form`, `explode: false`."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@st.composite
def requests(draw: st.DrawFn, operation: Operation) -> tuple[str, dict[str, str], bytes | None]:
    """A path, headers and a body: as the schemas say, or, each part for itself, anything."""
    row = DESCRIPTION["paths"][operation.path][operation.method.lower()]
    path, query, headers = operation.path, [], dict(TOKEN)
    for parameter in row.get("parameters", []):
        name, place = parameter["name"], parameter["in"]
        if place == "path":
            known = {"job": "j1", "name": "b.wav"}[name]
            said = draw(st.one_of(st.just(known), SEGMENTS))
            path = path.replace(f"{{{name}}}", quote(said, safe=""))
        elif draw(st.integers(0, 9)) == 0:
            is_right = draw(st.booleans())
            if place == "query":
                value = written(draw(values_of(parameter["schema"]))) if is_right else draw(ANY_TEXT)
                query.append(f"{quote(name)}={quote(value.encode('utf-8', 'replace'))}")
            else:
                headers[name] = draw(st.from_regex("[!-~]{1,40}", fullmatch=True) if is_right else HEADER_TEXT)
    if draw(st.integers(0, 9)) == 0:
        query.append(f"{quote(draw(ANY_TEXT))}={quote(draw(ANY_TEXT))}")
    path += f"?{'&'.join(query)}" if query else ""
    if draw(st.integers(0, 9)) == 0:
        headers["Authorization"] = draw(HEADER_TEXT)
    if operation.method == "GET":
        return path, headers, None
    kind, body = draw(bodies(row))
    if kind:
        headers["Content-Type"] = kind
    return path, headers, body


@st.composite
def bodies(draw: st.DrawFn, row: Mapping[str, Any]) -> tuple[str, bytes | None]:
    contents = row.get("requestBody", {}).get("content", {})
    kind = draw(st.sampled_from([*contents, "", "text/html", "application/x-www-form-urlencoded", "multipart/mixed"]))
    if draw(st.booleans()):
        return kind.replace("*", "wav"), draw(st.one_of(st.none(), st.binary(max_size=200)))
    if kind == "application/json":
        return kind, json.dumps(draw(values_of(resolved(contents[kind]["schema"])))).encode()
    if kind == "multipart/form-data":
        options = draw(values_of(resolved(DESCRIPTION["components"]["schemas"]["Options"])))
        both = [("file", draw(st.binary(max_size=50))), ("options", json.dumps(options).encode())]
        parts = draw(st.permutations(both))
        head = '--x\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n'
        body = b"".join(head.format(name, name).encode() + content + b"\r\n" for name, content in parts)
        return f"{kind}; boundary=x", body + b"--x--\r\n"
    return kind.replace("*", "wav"), draw(st.binary(min_size=1, max_size=50))


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data())
@MOST
def test_every_answer_is_one_that_it_names(live: Live, name: str, data: st.DataObject) -> None:
    operation = ROWS[name]
    path, headers, body = data.draw(requests(operation))
    conforms(operation, live.ask(operation.method, path, headers, body))


def is_whole(options: Mapping[str, object]) -> bool:
    """Whether options that are right each for itself fit together."""
    start, end = options.get("start", 0), options.get("end")
    has_end = end is None or cast("float", end) > cast("float", start)
    return has_end and not (options.get("stems") == "none" and options.get("midi") in ("none", "stems"))


#: The options whose schema says all: the others are text, of which the description has the words.
EXACT = {
    name: schema
    for name, schema in option_schemas().items()
    if cast("dict[str, object]", schema).get("type") != "string"
}


@given(options=values_of({"type": "object", "properties": resolved(EXACT), "additionalProperties": False}))
@MOST
def test_what_it_allows_is_accepted(live: Live, options: dict[str, object]) -> None:
    if not is_whole(options):
        return
    body = json.dumps({"path": "/a.wav", **options}).encode()
    answer = live.ask("POST", "/jobs", {**TOKEN, "Content-Type": "application/json"}, body)
    assert answer.status == 201, answer.body
    query = "&".join(f"{name}={quote(written(value))}" for name, value in options.items())
    answer = live.ask("POST", f"/jobs?{query}", {**TOKEN, "Content-Type": "audio/wav"}, b"RIFF")
    assert answer.status == 201, answer.body


def test_the_page_shows_every_operation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", page, flags=re.MULTILINE))
    assert shown == {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_command_of_the_page_asks_for_something_that_there_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
    asked = re.findall(r"^curl (.*?)\"?\$BRIDGE(/[^\s\"]*)", page, flags=re.MULTILINE)
    assert len(asked) >= 8
    for options, path in asked:
        has_body = any(sign in options for sign in ("-d ", "-F ", "--data-binary"))
        method = next(iter(re.findall(r"-X (\w+)", options)), "POST" if has_body else "GET")
        general = re.sub(r"/files/.+", "/files/{name}", path.partition("?")[0].replace("JOB", "{job}"))
        assert (method, general) in {(operation.method, operation.path) for operation in OPERATIONS}
        names = {pair.partition("=")[0] for pair in path.partition("?")[2].split("&") if pair}
        names |= {name for name in re.findall(r"-F (\w+)=", options) if name != "file"}
        row = next(row for row in OPERATIONS if (row.method, row.path) == (method, general))
        assert names <= {parameter.name for parameter in row.parameters}
