"""The problem answers that every route documents."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from cst_contracts.problems import Problem

_TITLES = {
    401: "A bearer token is needed, or the one given is not valid",
    403: "Not allowed for your role",
    404: "Not found",
    409: "Conflict with the current state",
    413: "Too large",
    422: "Invalid input",
    503: "Temporarily unavailable",
}


def _answer(description: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
    return {"description": description, "content": {"application/problem+json": schema}}


def document_problems(app: FastAPI) -> None:
    """Add the schema that ``PROBLEMS`` refers to, once, to the app's OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas[Problem.__name__] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: _answer(description) for status, description in _TITLES.items()
}
#: For routes that may be asked too often.
TOO_MANY: dict[int | str, dict[str, Any]] = {429: _answer("Asked too often; Retry-After says when")}
