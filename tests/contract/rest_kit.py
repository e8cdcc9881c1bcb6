"""Answers of the API against the committed OpenAPI document."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from contract_kit import CONTRACTS
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from cst_testkit.apps import Api

_DOCUMENT = "urn:cst:openapi"


@dataclass(frozen=True)
class Call:
    """A call of a route, and the status it must answer with.

    ``path`` is the route's template; ``{request_id}`` is filled with the request of the test.
    """

    method: str
    path: str
    status: int
    roles: tuple[str, ...] = ()
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status} {'+'.join(self.roles) or 'anonymous'}"

    async def send(self, api: Api, **known: str) -> httpx.Response:
        """Call the route and check its answer."""
        answer = await api.client.request(
            self.method,
            self.path.format(**(known | self.fill)),
            json=self.body,
            params=self.query,
            headers=self.headers | (api.as_(*self.roles) if self.roles else {}),
        )
        assert answer.status_code == self.status, answer.text
        assert_documented(answer, self.path)
        return answer


@cache
def openapi() -> dict[str, Any]:
    """Return the committed document."""
    found: dict[str, Any] = json.loads((CONTRACTS / "openapi.json").read_text(encoding="utf-8"))
    return found


def assert_documented(answer: httpx.Response, path: str) -> None:
    """Check that the document knows this status, content type and body for the route."""
    method, status = answer.request.method.lower(), str(answer.status_code)
    declared = openapi()["paths"][path][method]["responses"]
    assert status in declared, f"{method} {path} does not document {status}"
    content_type = answer.headers["content-type"].partition(";")[0]
    assert content_type in declared[status]["content"]
    steps = ("paths", path, method, "responses", status, "content", content_type, "schema")
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    resource = DRAFT202012.create_resource(openapi())
    registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
    schema = {"$ref": f"{_DOCUMENT}#/{pointer}"}
    Draft202012Validator(schema, registry=registry).validate(answer.json())
