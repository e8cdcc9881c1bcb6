"""A request's row of facts: what reports count of it, from its document and the city."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sla_requests import HOUR, OFFICE, changed, promised, run

from cst_city.catalog import Catalog
from cst_contracts.events import EVENTS
from cst_ledger.events import By, NewEvent
from cst_ledger.ownership import MAY_CHANGE
from cst_ledger.rules import RuleBook
from cst_ledger.seal import Sealer
from cst_sla.domain.facts import MOVING, fact_of
from cst_testkit.factories import CREATED_AT, created_event, request_state
from cst_testkit.histories import AGENT_ID


def test_a_new_request_has_its_group_and_nothing_measured(catalog: Catalog) -> None:
    assert fact_of(request_state(), catalog) == {
        "category": "pothole",
        "department": "DOT",
        "zone_id": "MN01",
        "priority": "P3",
        "status": "new",
        "agent": None,
        "is_master": True,
        "day": "2026-03-02",
        "week": "2026-W10",
        "sla_state": "none",
        "breached": False,
        "escalations": 0,
        "reopened": 0,
        "open_since": CREATED_AT,
    }


def test_what_was_done_is_measured_in_whole_seconds(catalog: Catalog) -> None:
    document = promised(resolved=72, calendar="office", calendar_terms=OFFICE)
    document |= {"status": "closed", "rating": 4, "reopened": 2, "escalations": 1}
    document["first_response_at"] = CREATED_AT + timedelta(milliseconds=90_400)
    document["assignment"]["assigned_agent_id"] = AGENT_ID
    row = fact_of(document, catalog)
    assert "open_since" not in row
    assert (row["agent"], row["rating"], row["reopened"], row["escalations"]) == (AGENT_ID, 4, 2, 1)
    assert row["seconds"] == 72 * 3600
    assert row["business_seconds"] == 3 * 8.5 * 3600
    assert row["response_seconds"] == 90
    assert (row["sla_state"], row["breached"]) == ("missed", False)


def test_a_breach_stays_one(catalog: Catalog) -> None:
    broken, _ = run(promised(), CREATED_AT + 48 * HOUR)
    done = changed(broken, {"timestamps.resolved_at": CREATED_AT + 50 * HOUR})
    for document, state in ((broken, "breached"), (done, "missed")):
        row = fact_of(document, catalog)
        assert (row["sla_state"], row["breached"]) == (state, True)


def test_what_was_closed_without_work_took_no_time(catalog: Catalog) -> None:
    document = promised() | {"status": "closed"}
    document["timestamps"]["closed_at"] = CREATED_AT + HOUR
    row = fact_of(document, catalog)
    assert not {"seconds", "business_seconds", "open_since"} & row.keys()
    assert row["sla_state"] == "met"


def test_a_duplicate_has_its_rating_and_nothing_that_its_master_stands_for(
    catalog: Catalog,
) -> None:
    broken, _ = run(promised(resolved=60), CREATED_AT + 60 * HOUR)
    document = changed(broken, {"duplicates.is_master": False}) | {"rating": 1, "escalations": 3}
    row = fact_of(document, catalog)
    assert (row["is_master"], row["rating"]) == (False, 1)
    measured = {"sla_state", "breached", "escalations", "reopened", "seconds", "open_since"}
    assert not measured & row.keys()


@pytest.mark.parametrize(
    ("created", "day", "week"),
    [
        (datetime(2026, 1, 1, 4, 59, 59, tzinfo=UTC), "2025-12-31", "2026-W01"),
        (datetime(2026, 1, 1, 5, 0, tzinfo=UTC), "2026-01-01", "2026-W01"),
        (datetime(2027, 1, 3, 12, 0, tzinfo=UTC), "2027-01-03", "2026-W53"),
        (datetime(2026, 7, 1, 3, 59, tzinfo=UTC), "2026-06-30", "2026-W27"),
    ],
)
def test_days_and_iso_weeks_are_local(
    catalog: Catalog, created: datetime, day: str, week: str
) -> None:
    document = changed(request_state(), {"timestamps.created_at": created})
    row = fact_of(document, catalog)
    assert (row["day"], row["week"]) == (day, week)


def test_a_category_that_the_city_has_no_more_has_no_department(catalog: Catalog) -> None:
    assert fact_of(request_state(category="dodo"), catalog)["department"] == "unknown"


def test_what_was_imported_counts_for_the_department_that_had_it(catalog: Catalog) -> None:
    source = {"system": "other", "id": "1", "department": "PARK"}
    assert fact_of(request_state(source=source), catalog)["department"] == "PARK"
    unsaid = fact_of(request_state(source=source | {"department": None}), catalog)
    assert unsaid["department"] == "DOT"


def test_every_event_that_may_change_a_row_moves_it() -> None:
    """SLA's own apart: it writes the row with the event."""
    made_of = (
        *("category", "status", "priority", "sla_policy", "due_at", "timestamps.resolved_at"),
        *("timestamps.closed_at", "workflow.pauses", "location.zone_id", "duplicates.is_master"),
        *("assignment.assigned_agent_id", "escalations", "sla_fired", "reopened", "rating"),
    )
    changing = {
        name
        for name, owned in MAY_CHANGE.items()
        if any(
            path in ("*", part) or part.startswith(f"{path}.") for path in owned for part in made_of
        )
    }
    by_sla = {name for name, spec in EVENTS.items() if spec.producers == {"sla"}}
    assert changing - MOVING <= by_sla
    answering = {name for name in EVENTS if _answers(name)}
    assert answering - MOVING <= by_sla
    assert changing | answering >= MOVING


def _answers(event_type: str) -> bool:
    """Tell whether an event of staff counts as their first response."""
    sealer = Sealer("test", RuleBook.shipped())
    _, state = sealer.seal("CST-2026-0001", None, created_event(), now=CREATED_AT)
    changes: dict[str, Any] = {}
    if event_type == "triaged":
        changes = {"status": "triaged"}
    elif event_type in ("assigned", "in_progress", "resolved", "closed", "created", "imported"):
        return True  # a step like any other
    new = NewEvent(event_type, By("staff", "s"), changes=changes)
    _, after = sealer.seal("CST-2026-0001", state, new, now=CREATED_AT)
    return after["first_response_at"] is not None
