"""Who may do what: every route of the app against every kind of caller.

A new route without a line in ``MATRIX`` fails ``test_every_route_is_in_the_matrix``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from fastapi.routing import iter_route_contexts

from app.registry import APIS
from cst_http.app import create_app
from cst_testkit.apps import SECRET, Api

ROLES = ("citizen", "agent", "dispatcher", "supervisor", "auditor", "admin")
ANYONE = frozenset(("anonymous", *ROLES))
STAFF = frozenset(("dispatcher", "supervisor", "auditor", "admin"))
STAFF_OR_AGENT = STAFF | {"agent"}
DISPATCHING = frozenset(("dispatcher", "supervisor", "admin"))
SUPERVISING = frozenset(("supervisor", "admin"))

#: Method and path to the callers who may. Routes that take no token at all are in ``TOKENLESS``.
MATRIX: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/requests/"): ANYONE,
    ("POST", "/requests"): ANYONE,
    ("GET", "/requests"): ANYONE,
    ("GET", "/requests/"): ANYONE,
    ("GET", "/requests/{request_id}"): ANYONE,
    ("GET", "/requests/{request_id}/events"): ANYONE,
    ("GET", "/requests/{request_id}/audit"): STAFF,
    ("POST", "/requests/{request_id}/rating"): ANYONE,
    ("POST", "/requests/{request_id}/comments"): ANYONE,
    ("GET", "/requests/{request_id}/comments"): ANYONE,
    ("POST", "/requests/{request_id}/evidence"): ANYONE,
    ("GET", "/requests/{request_id}/evidence"): ANYONE,
    ("GET", "/requests/{request_id}/evidence/{evidence_id}"): ANYONE,
    ("POST", "/requests/{request_id}/moderation"): DISPATCHING,
    ("POST", "/citizens"): ANYONE,
    ("POST", "/citizens/sign-in"): ANYONE,
    ("POST", "/citizens/sign-in/verify"): ANYONE,
    ("GET", "/citizens/me"): frozenset({"citizen"}),
    ("PATCH", "/citizens/me"): frozenset({"citizen"}),
    ("GET", "/citizens/me/requests"): frozenset({"citizen"}),
    ("GET", "/citizens/me/statistics"): frozenset({"citizen"}),
    ("GET", "/citizens/{citizen_id}"): STAFF,
    ("POST", "/citizens/{citizen_id}/verify"): ANYONE,
    ("POST", "/citizens/{citizen_id}/verify/resend"): ANYONE,
    ("GET", "/requests/nearby"): ANYONE,
    ("POST", "/requests/{request_id}/me-too"): ANYONE,
    ("POST", "/requests/{request_id}/merge"): DISPATCHING,
    ("POST", "/requests/{request_id}/unmerge"): DISPATCHING,
    ("GET", "/duplicates/suggestions"): DISPATCHING,
    ("POST", "/duplicates/suggestions/{suggestion_id}"): DISPATCHING,
    ("PATCH", "/requests/{request_id}/transition"): STAFF_OR_AGENT,
    ("POST", "/requests/{request_id}/auto-assign"): DISPATCHING,
    ("POST", "/requests/{request_id}/assign"): DISPATCHING,
    ("POST", "/requests/{request_id}/category"): DISPATCHING,
    ("POST", "/requests/{request_id}/priority"): DISPATCHING,
    ("POST", "/requests/{request_id}/location"): DISPATCHING | {"agent"},
    ("POST", "/requests/{request_id}/danger"): SUPERVISING,
    ("POST", "/requests/{request_id}/escalate"): DISPATCHING,
    ("POST", "/requests/{request_id}/dispute/settle"): SUPERVISING,
    ("POST", "/requests/{request_id}/withdraw"): ANYONE,
    ("POST", "/requests/on-the-spot"): DISPATCHING | {"agent"},
    ("GET", "/triage/queue"): DISPATCHING,
    ("GET", "/inbox"): STAFF,
    ("POST", "/inbox/{notice_id}/acknowledge"): DISPATCHING,
    ("GET", "/agents"): STAFF,
    ("POST", "/agents"): DISPATCHING,
    ("GET", "/agents/{agent_id}"): STAFF,
    ("PATCH", "/agents/{agent_id}"): DISPATCHING,
    ("POST", "/agents/{agent_id}/leave"): DISPATCHING,
    ("DELETE", "/agents/{agent_id}/leave/{leave_id}"): DISPATCHING,
    ("GET", "/agents/{agent_id}/worklist"): STAFF,  # and agents their own
    ("GET", "/dispatch/queue"): STAFF,
    ("GET", "/dispatch/load"): STAFF,
    ("GET", "/dispatch/coverage-gaps"): STAFF,
    ("GET", "/sla-policies"): STAFF,
    ("GET", "/sla-policies/versions"): STAFF,
    ("GET", "/sla-policies/versions/{version}"): STAFF,
    ("POST", "/sla-policies/reselect"): frozenset({"admin"}),
    ("GET", "/workflow-rules"): STAFF,
    ("GET", "/workflow-rules/{version}"): STAFF,
    ("POST", "/workflow-rules"): frozenset({"admin"}),
    ("POST", "/workflow-rules/{version}/adopt"): frozenset({"admin"}),
    ("POST", "/requests/transitions"): STAFF_OR_AGENT,
    ("POST", "/requests/{request_id}/hold"): DISPATCHING | {"agent"},
    ("POST", "/requests/{request_id}/resume"): DISPATCHING | {"agent"},
    ("GET", "/actors/{actor_type}/{actor_id}/events"): frozenset(
        {"supervisor", "auditor", "admin"}
    ),
    ("GET", "/analytics/geofeeds/heatmap"): ANYONE,
    ("GET", "/analytics/geofeeds"): ANYONE,
    ("PUT", "/analytics/geofeeds/{name}"): SUPERVISING,
    ("DELETE", "/analytics/geofeeds/{name}"): SUPERVISING,
    ("GET", "/analytics/geofeeds/{name}"): ANYONE,
    ("GET", "/analytics/geofeeds/{name}/snapshots"): ANYONE,
    ("POST", "/analytics/geofeeds/{name}/snapshots"): SUPERVISING,
    ("GET", "/analytics/geofeeds/{name}/snapshots/{number}"): ANYONE,
    ("GET", "/analytics/geofeeds/{name}/diff"): ANYONE,
    ("GET", "/analytics/live"): ANYONE,
    ("GET", "/analytics/kpis"): ANYONE,
    ("GET", "/analytics/zones"): ANYONE,
    ("GET", "/analytics/clusters"): ANYONE,
    ("GET", "/analytics/surges"): ANYONE,
    ("GET", "/analytics/trends"): ANYONE,
    ("GET", "/analytics/sla-risk"): ANYONE,
    ("GET", "/analytics/equity"): ANYONE,
}
TOKENLESS = {("GET", path) for path in ("/categories", "/zones", "/healthz", "/readyz", "/metrics")}
TOKENLESS |= {("GET", path) for path in ("/map/config.json", "/map/zones.geojson")}
DOCUMENTATION = ("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc")
#: Routes that need a broker, which these tests have not: past the door they say so.
BROKERED = {("GET", "/analytics/live")}
#: The map page answers as it was built, or not: its own tests have it.
PAGE = ("/map", "/map/assets/{name}")
PARAMETERS = {
    "request_id": "CST-1999-0001",
    "agent_id": "0" * 24,
    "leave_id": "none",
    "citizen_id": "0" * 24,
    "notice_id": "CST-1999-0001.0.danger.on_call",
    "suggestion_id": "CST-1999-0002.CST-1999-0001",
    "evidence_id": "none",
    "version": "v1.1",
    "actor_type": "staff",
    "actor_id": "nobody",
    "name": "none",
    "number": "1",
}


def bad_tokens() -> dict[str, str]:
    """Return tokens that nobody may use, each an admin's but for one thing."""
    now = datetime.now(UTC)
    good = {
        "iss": "cst-local",
        "aud": "cst",
        "sub": "tester",
        "roles": ["admin"],
        "exp": now + timedelta(hours=1),
    }
    wrong: dict[str, dict[str, Any]] = {
        "expired": {"exp": now - timedelta(hours=1)},
        "of another audience": {"aud": "elsewhere"},
        "of another issuer": {"iss": "elsewhere"},
        "not yet valid": {"nbf": now + timedelta(hours=1)},
        "with roles that are no list": {"roles": "admin"},
    }
    tokens = {name: jwt.encode(good | change, SECRET, "HS256") for name, change in wrong.items()}
    for name in ("exp", "sub", "aud"):
        claims = {key: value for key, value in good.items() if key != name}
        tokens[f"without {name}"] = jwt.encode(claims, SECRET, "HS256")
    return tokens | {
        "garbage": "garbage",
        "signed with another key": jwt.encode(good, "x" * 32, "HS256"),
        "signed with another algorithm": jwt.encode(good, SECRET, "HS512"),
        "not signed": jwt.encode(good, None, "none"),
    }


def routes() -> set[tuple[str, str]]:
    """Return every (method, path) that the app serves, its documentation apart."""
    app = create_app("matrix", list(APIS.values()), lambda: pytest.fail("not to be started"))
    served = {
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
    }
    return {(method, path) for method, path in served if path not in (*DOCUMENTATION, *PAGE)}


def test_every_route_is_in_the_matrix() -> None:
    assert routes() == {*MATRIX, *TOKENLESS}


async def status_of(api: Api, route: tuple[str, str], headers: dict[str, str]) -> int:
    method, path = route
    body = {} if method in ("POST", "PATCH") else None
    url = path.format(**PARAMETERS)
    return (await api.client.request(method, url, json=body, headers=headers)).status_code


@pytest.mark.parametrize("caller", ["anonymous", *ROLES])
@pytest.mark.parametrize("route", sorted(MATRIX), ids=" ".join)
async def test_a_caller_may_what_the_matrix_says(
    api: Api, route: tuple[str, str], caller: str
) -> None:
    headers = {} if caller == "anonymous" else api.as_(caller)
    status = await status_of(api, route, headers)
    if caller in MATRIX[route]:
        inside = (503,) if route in BROKERED else (200, 404, 422)
        assert status in inside, "past the door: found, not found, or an empty body"
    else:
        assert status == (401 if caller == "anonymous" else 403)


@pytest.mark.parametrize("name", sorted(bad_tokens()))
@pytest.mark.parametrize("route", sorted(MATRIX), ids=" ".join)
async def test_a_token_that_is_not_valid_is_worse_than_none(
    api: Api, route: tuple[str, str], name: str
) -> None:
    """Also where anonymous callers may: whoever sends a token means to be somebody."""
    headers = {"Authorization": f"Bearer {bad_tokens()[name]}"}
    assert await status_of(api, route, headers) == 401


@pytest.mark.parametrize("route", sorted(TOKENLESS), ids=" ".join)
async def test_what_needs_no_token_minds_none(api: Api, route: tuple[str, str]) -> None:
    assert await status_of(api, route, {}) == 200
    assert await status_of(api, route, {"Authorization": "Bearer garbage"}) == 200


@pytest.mark.parametrize("header", ["Basic dGVzdDp0ZXN0", "Bearer", "Bearer ", "bearer", "x"])
async def test_another_scheme_than_bearer_is_refused(api: Api, header: str) -> None:
    assert await status_of(api, ("GET", "/agents"), {"Authorization": header}) == 401


async def test_a_401_says_how_to_do_better(api: Api) -> None:
    answer = await api.client.get("/agents")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"
    assert "dispatcher" in answer.json()["detail"]


async def test_a_role_that_does_not_exist_is_no_role(api: Api) -> None:
    assert await status_of(api, ("GET", "/agents"), api.as_("king")) == 403


async def test_several_roles_add_up(api: Api) -> None:
    assert await status_of(api, ("GET", "/agents"), api.as_("citizen", "auditor")) == 200


@pytest.mark.parametrize("query", ["group_by=zone", "category=pothole", "day_from=2026-01-01"])
async def test_the_public_gets_kpi_totals_only(api: Api, query: str) -> None:
    url = f"/analytics/kpis?{query}"
    assert (await api.client.get(url)).status_code == 401
    assert (await api.client.get(url, headers=api.as_("citizen"))).status_code == 403
    assert (await api.client.get(url, headers=api.as_("auditor"))).status_code == 200


async def test_who_does_the_work_is_not_public(api: Api) -> None:
    url = f"/requests?assigned_agent_id={'0' * 24}"
    assert (await api.client.get(url)).status_code in (401, 403)
    assert (await api.client.get(url, headers=api.as_("citizen"))).status_code == 403
    assert (await api.client.get(url, headers=api.as_("agent"))).status_code == 200
