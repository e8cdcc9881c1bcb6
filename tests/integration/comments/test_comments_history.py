"""The history in pages: all of it for staff; for the public what happened and when."""

from __future__ import annotations

from typing import Any

import pytest

from cst_contracts.events import EVENTS
from cst_ledger.events import NewEvent
from cst_testkit.apps import Api
from cst_testkit.factories import SYSTEM
from cst_testkit.histories import AGENT, LIFECYCLE, step

RESERVED = NewEvent("agent_reserved", SYSTEM, meta=AGENT)
PUBLIC = ["created", *LIFECYCLE]


@pytest.fixture(scope="module")
async def request_id(api: Api) -> str:
    """File a request and let so much happen that it fills several buckets."""
    filed: str = (await api.file())["request_id"]
    ledger = api.core.ledger("test")
    for status in LIFECYCLE:
        events = [*[RESERVED] * 45, step(status, message="said inside")]
        await ledger.record(filed, lambda _, e=events: e)
    return filed


async def pages(
    api: Api, request_id: str, role: str | None, **query: Any
) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.client.get(
            f"/requests/{request_id}/events",
            params=query | cursor,
            headers=api.as_(role) if role else {},
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["events"])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("limit", [1, 7, 100, 231, 500])
async def test_pages_hold_every_event_once_in_order(api: Api, request_id: str, limit: int) -> None:
    found = await pages(api, request_id, "auditor", limit=limit)
    assert all(len(page) == limit for page in found[:-1])
    assert 0 < len(found[-1]) <= limit
    assert [event["seq"] for page in found for event in page] == list(range(231))
    assert "salt" not in str(found)


async def test_a_page_is_200_events_unless_asked_otherwise(api: Api, request_id: str) -> None:
    assert [len(page) for page in await pages(api, request_id, "auditor")] == [200, 31]


@pytest.mark.parametrize("limit", [1, 4, 6, 200])
@pytest.mark.parametrize("role", [None, "citizen", "agent"])
async def test_the_public_sees_what_happened_and_when(
    api: Api, request_id: str, role: str | None, limit: int
) -> None:
    events = [e for page in await pages(api, request_id, role, limit=limit) for e in page]
    assert [event["type"] for event in events] == PUBLIC
    assert all(set(event) == {"seq", "type", "at"} for event in events)


async def test_the_past_has_pages_too(api: Api, request_id: str) -> None:
    everything = [e for page in await pages(api, request_id, "auditor") for e in page]
    at = everything[100]["at"]
    past = await pages(api, request_id, "auditor", limit=40, as_of=at)
    seqs = [event["seq"] for page in past for event in page]
    assert seqs == [e["seq"] for e in everything if e["at"] <= at]


def test_no_words_pictures_or_judgements_are_public_events() -> None:
    for name in ("comment", "evidence_added", "rated", "disputed", "redacted", "hidden"):
        assert not EVENTS[name].public
