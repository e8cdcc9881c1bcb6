"""The one event of an imported request, and the state and record that follow from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cst_contracts.documents import ServiceRequest
from cst_contracts.events import Imported, RequestEvent
from cst_contracts.workflow import DEFAULT_RULES
from cst_intake.domain.imports import History, Reference, imported_event
from cst_ledger.events import Document, NewEvent
from cst_ledger.rules import RuleBook
from cst_ledger.seal import Sealer
from cst_ledger.views import staff_view
from cst_ledger.wire import cloud_event

RULES = RuleBook.shipped()
OPENED = datetime(2015, 1, 1, 5, 20, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def _history(reference: Reference, **fields: Any) -> History:
    kind = reference.kind("pothole")
    location = reference.location((-74.0, 40.71))
    assert kind is not None
    assert location is not None
    known: dict[str, Any] = {
        "system": "old",
        "source_id": "1",
        "category": kind,
        "description": "A deep hole",
        "created_at": OPENED,
        "closed_at": None,
        "due_at": None,
        "year": 2015,
        "location": location,
        "address": "33 Beacon St",
    }
    return History(**known | fields)


def _event(reference: Reference, **fields: Any) -> NewEvent:
    return imported_event(_history(reference, **fields), RULES.version(DEFAULT_RULES))


def _sealed(new: NewEvent) -> tuple[Document, Document]:
    return Sealer("intake", RULES).seal("CST-2015-0001", None, new, now=NOW)


def test_an_open_request(reference: Reference) -> None:
    event, state = _sealed(_event(reference))
    assert (state["status"], state["workflow"]["allowed_next"]) == ("new", ["triaged"])
    assert (state["sla_policy"], state["due_at"], state["historic"]) == (None, None, True)
    assert state["source"] == {"system": "old", "id": "1", "department": None}
    assert (state["description"], state["location"]["address_hint"]) == (
        "A deep hole",
        "33 Beacon St",
    )
    assert (event["seq"], event["at"], event["recorded_at"]) == (0, OPENED, NOW)


def test_a_closed_request(reference: Reference) -> None:
    closed = OPENED + timedelta(days=1)
    event, state = _sealed(_event(reference, closed_at=closed))
    times = state["timestamps"]
    assert (state["status"], state["workflow"]["allowed_next"]) == ("closed", [])
    assert (times["created_at"], times["resolved_at"], times["closed_at"]) == (
        OPENED,
        closed,
        closed,
    )
    assert [times[f"{step}_at"] for step in ("triaged", "assigned", "in_progress")] == [None] * 3
    assert event["at"] == closed


def test_a_promise_falls_due_when_the_other_system_said(reference: Reference) -> None:
    due = OPENED + timedelta(days=15, seconds=7)
    changes = _event(reference, due_at=due).changes
    hours = (15 * 86_400 + 7) / 3600
    assert changes["due_at"] == due
    assert changes["sla_policy"] == {
        "policy_id": "imported",
        "target_hours": hours,
        "breach_threshold_hours": hours,
        "escalation_steps": [],
        "warn_hours": None,
        "acknowledge_hours": None,
        "repeat_hours": None,
        "calendar": "24x7",
        "calendar_terms": None,
        "version": None,
        "priority": "P3",
    }


@pytest.mark.parametrize(
    ("minutes", "flags"),
    [
        ({"closed_at": 1, "due_at": 0}, []),
        ({"closed_at": -1}, ["closed_before_opened"]),
        ({"due_at": -1}, ["due_before_opened"]),
        ({"closed_at": -2, "due_at": -1}, ["closed_before_opened", "due_before_opened"]),
    ],
)
def test_times_in_the_wrong_order_are_kept_and_flagged(
    reference: Reference, minutes: dict[str, int], flags: list[str]
) -> None:
    times = {name: OPENED + timedelta(minutes=count) for name, count in minutes.items()}
    new = _event(reference, **times)
    assert new.meta["flags"] == flags
    event, state = _sealed(new)
    assert event["at"] >= OPENED
    assert state["timestamps"]["closed_at"] == times.get("closed_at")
    assert state["sla_policy"] is None or state["sla_policy"]["target_hours"] == 0


def test_it_is_a_request_and_an_event_of_the_contracts(reference: Reference) -> None:
    event, state = _sealed(_event(reference, closed_at=NOW, due_at=NOW))
    document = {"_id": "0" * 24, "request_id": "CST-2015-0001", **state}
    assert ServiceRequest.model_validate(staff_view(document)).source is not None
    published = RequestEvent.model_validate(cloud_event(event, "new-york"))
    data = published.typed()
    assert isinstance(data, Imported)
    assert (data.source_system, data.source_id) == ("old", "1")
    assert (published.facts.historic, published.facts.status) == (True, "closed")
