"""A walk: the lifecycle's steps in one go, for work that is over before anybody was sent."""

from __future__ import annotations

from cst_contracts.enums import STATUSES
from cst_ledger.events import By, Document, NewEvent
from cst_roster.roster import capacity_event


def walk_to_resolved(
    status: str,
    agent: Document,
    by: By,
    *,
    rule: str,
    resolution_code: str,
    note: str | None,
    resolved_by: By | None = None,
) -> list[NewEvent]:
    """Return the events from ``status`` to ``resolved``, each step one of the strict rules.

    The agent's capacity is taken and given back within them, so its count stays as it is.

    Args:
        status: where the request stands: ``new`` or ``triaged``.
        agent: who is charged with the work.
        by: who takes the steps.
        rule: why; in the ``triaged`` event, and as policy of the assignment.
        resolution_code: the outcome.
        note: a text to the outcome.
        resolved_by: who says the outcome, where that is somebody else.
    """
    held = {"agent_id": agent["_id"], "agent_code": agent["agent_code"]}
    assignment = {
        "assignment.assigned_agent_id": agent["_id"],
        "assignment.assignment_policy": rule,
    }
    events = {
        "triaged": [_step("triaged", by, {"rule": rule})],
        "assigned": [
            capacity_event("agent_reserved", agent, by),
            _step("assigned", by, held | {"assignment_policy": rule}, assignment),
        ],
        "in_progress": [_step("in_progress", by)],
        "resolved": [
            _step(
                "resolved",
                resolved_by or by,
                {"resolution_code": resolution_code},
                {"resolution_code": resolution_code},
                note,
            ),
            capacity_event("agent_released", agent, by),
        ],
    }
    path = STATUSES[STATUSES.index(status) + 1 : STATUSES.index("resolved") + 1]
    return [event for step in path for event in events[step]]


def _step(
    status: str,
    by: By,
    meta: Document | None = None,
    changes: Document | None = None,
    note: str | None = None,
) -> NewEvent:
    changed = {"status": status, **(changes or {})}
    return NewEvent(status, by, changes=changed, meta=meta or {}, message=note)
