"""The OpenAPI 3.1 description (spec.openapis.org/oas/v3.1.0), from the table of operations."""

from __future__ import annotations

from collections.abc import Mapping

from bridge import __version__
from bridge.osc.http.description.operations import OPERATIONS, HttpAnswer, HttpParameter, Operation
from bridge.osc.http.description.schemas import Schema, components

_TOKEN = "token"  # noqa: S105 - a name


def description() -> dict[str, object]:
    """The whole description, in JSON's types."""
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Source Audio Bridge",
            "version": __version__,
            "description": "Stems and notes of a clip. `sab token` prints the token.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components(),
            "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, object]:
    found: dict[str, object] = {
        "operationId": operation.id,
        "summary": operation.help.partition(". ")[0].rstrip("."),
        "description": operation.help,
        "responses": {str(status): _answer(answer) for status, answer in sorted(operation.answers.items())},
        "security": [{_TOKEN: []}] if operation.is_private else [],
    }
    if operation.parameters:
        found["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        found["requestBody"] = {"required": operation.needs_body, "content": _content(operation.body)}
    return found


def _parameter(parameter: HttpParameter) -> dict[str, object]:
    found: dict[str, object] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.help,
        "required": parameter.place == "path",
        "schema": {name: value for name, value in parameter.schema.items() if name != "description"},
    }
    if parameter.place == "query":
        found.update(style="form", explode=False)
    return found


def _answer(answer: HttpAnswer) -> dict[str, object]:
    found: dict[str, object] = {"description": answer.help}
    if answer.content:
        found["content"] = _content(answer.content)
    if answer.headers:
        found["headers"] = {
            name: {"description": words, "schema": {"type": "string"}} for name, words in answer.headers.items()
        }
    return found


def _content(schemas: Mapping[str, Schema]) -> dict[str, object]:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}
