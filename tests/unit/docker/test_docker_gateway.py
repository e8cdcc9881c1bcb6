"""The containers' gateway sends each route to the service that has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
CONF = (ROOT / "infra/docker/gateway.conf").read_text()
#: As nginx takes them: the first pattern that matches, else the longest prefix.
PATTERNS = re.findall(r"location ~ (\S+)\s*\{ proxy_pass \$(\w+);", CONF)
PREFIXES = re.findall(r"location (?:\^~ )?(/\S*)\s*\{ proxy_pass \$(\w+);", CONF)
SERVICES = {"analytics": "geo"}
#: What a caller writes in a path's fields.
WRITTEN = {"request_id": "CST-2026-0001", "actor_type": "agent"}


def _routes() -> list[Any]:
    paths = json.loads((ROOT / "contracts/openapi.json").read_text())["paths"]
    tags = {path: next(iter(methods.values()))["tags"][0] for path, methods in paths.items()}
    return [
        pytest.param(path, SERVICES.get(tag, tag), id=path)
        for path, tag in tags.items()
        if tag != "ops"
    ]


def _goes_to(path: str) -> str:
    for pattern, service in PATTERNS:
        if re.search(pattern, path):
            return str(service)
    return str(max((p for p in PREFIXES if path.startswith(p[0])), key=lambda p: len(p[0]))[1])


@pytest.mark.parametrize(("path", "service"), _routes())
@pytest.mark.parametrize("end", ["", "/"])
def test_a_route_goes_to_its_service(path: str, service: str, end: str) -> None:
    written = re.sub(r"\{(\w+)\}", lambda field: WRITTEN.get(field[1], "x1"), path)
    assert _goes_to(written.rstrip("/") + end) == service


def test_a_requests_own_path_is_intakes_whatever_its_name() -> None:
    assert _goes_to("/requests/merge") == "intake"
    assert _goes_to("/requests") == "intake"
    assert _goes_to("/docs") == "intake"


@pytest.mark.parametrize("path", ["/map", "/map/", "/map/assets/index-1.js", "/map/config.json"])
def test_the_map_page_is_geo_analytics(path: str) -> None:
    assert _goes_to(path) == "geo"
    assert _goes_to("/mapped") == "intake"


def test_evidence_fits_through() -> None:
    limit = re.search(r"client_max_body_size (\d+)m;", CONF)
    largest = re.search(r"CST_EVIDENCE_MAX_BYTES=(\d+)", (ROOT / ".env.example").read_text())
    assert limit is not None
    assert largest is not None
    assert int(limit[1]) << 20 > int(largest[1]) + (1 << 20)
