"""Every route of the OpenAPI document with generated input, by every kind of caller.

No answer is a 5xx, none has a status or a body that the document does not promise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import Target

ROOT = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "contracts" / "openapi.json").read_text())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: Inputs per route and caller.
EXAMPLES = 6
CALLERS = (None, "citizen", "agent", "supervisor", "admin")
#: A stream has no end, and without a broker the right answer is a 503: it has tests of its own.
ENDLESS = ("/analytics/live",)
OPERATIONS = sorted(
    (path, method.upper())
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method in ("get", "post", "put", "patch", "delete") and path not in ENDLESS
)


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda part: str(part))
def test_no_input_is_too_much_for_a_route(target: Target, path: str, method: str) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES * len(CALLERS),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(),
        caller=st.sampled_from(CALLERS),
        known=st.sampled_from(target.request_ids),
    )
    def fuzz(case: Any, caller: str | None, known: str) -> None:
        if "request_id" in case.path_parameters:
            # Nearly every made-up id would be a 404 and show nothing of the route itself.
            case.path_parameters["request_id"] = known
        headers = {"Authorization": f"Bearer {target.tokens[caller]}"} if caller else {}
        case.call_and_validate(base_url=target.url, headers=headers, checks=CHECKS)

    fuzz()
