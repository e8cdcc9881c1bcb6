"""Legal histories of a request, for properties: what may happen to it, in an allowed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Any

from bson import ObjectId
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.rules import RuleBook
from cst_ledger.seal import Sealer, bucket_of
from cst_testkit.factories import CREATED_AT, SYSTEM, created_event

AGENT_ID = ObjectId("65f000000000000000000001")
AGENT = {"agent_id": AGENT_ID, "agent_code": "DOT-1"}
LIFECYCLE = ("triaged", "assigned", "in_progress", "resolved", "closed")

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
actors = st.builds(By, st.sampled_from(("staff", "agent", "system")), st.just("someone"))


def step(
    status: str,
    *,
    message: str | None = None,
    by: By = SYSTEM,
    meta: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> NewEvent:
    """Return the event of a lifecycle step with what its rule requires."""
    needed: dict[str, Any] = {"status": status}
    if status == "assigned":
        needed["assignment.assigned_agent_id"] = AGENT_ID
    if status == "resolved":
        needed["resolution_code"] = "fixed"
    return NewEvent(status, by, changes=needed | changes, meta=meta, message=message)


_SIDE_EVENTS = st.sampled_from(
    (
        NewEvent("agent_reserved", SYSTEM, meta=AGENT),
        NewEvent("agent_released", SYSTEM, meta=AGENT),
        NewEvent(
            "assignment_deferred",
            SYSTEM,
            changes={"assignment.auto_assign_candidate_agents": [AGENT_ID]},
            meta={"reason": "3 off_shift", "next_try_at": CREATED_AT + timedelta(hours=1)},
        ),
        NewEvent(
            "sla_breached",
            SYSTEM,
            meta={"policy_id": "p", "target_hours": 4.5, "breached_at": CREATED_AT},
            at=CREATED_AT,
        ),
    )
)


@st.composite
def histories(draw: st.DrawFn, *, max_side_events: int = 3) -> list[NewEvent]:
    """Draw the events of a request: created, some steps, and what may happen in between."""
    priority = st.sampled_from(PRIORITIES)
    events = [created_event(message=draw(texts), priority=draw(priority))]
    for status in LIFECYCLE[: draw(st.integers(0, len(LIFECYCLE)))]:
        events += draw(st.lists(_SIDE_EVENTS, max_size=max_side_events))
        changed: dict[str, Any] = {"priority": draw(priority)} if status == "triaged" else {}
        events.append(step(status, message=draw(st.none() | texts), by=draw(actors), **changed))
    return events + draw(st.lists(_SIDE_EVENTS, max_size=max_side_events))


@dataclass
class Written:
    """A request as the ledger would have stored it, in memory."""

    document: Document
    events: list[Document]

    @property
    def logs(self) -> list[Document]:
        """The ledger's documents: a bucket each, from the events as they are now."""
        return buckets(self.events)


def buckets(events: Sequence[Document]) -> list[Document]:
    """Return the ledger documents that hold ``events`` (whatever their ``seq`` says)."""
    groups = groupby(enumerate(events), key=lambda pair: bucket_of(pair[0]))
    logs = []
    for number, group in groups:
        stream = [event for _, event in group]
        logs.append({"bucket": number, "event_stream": stream, "last_seq": stream[-1].get("seq")})
    return logs


def written(history: Sequence[NewEvent], request_id: str = "CST-2026-0001") -> Written:
    """Seal a history one event after another."""
    sealer, document, events = Sealer("test", RuleBook.shipped()), None, []
    for new in history:
        event, document = sealer.seal(request_id, document, new, now=CREATED_AT)
        events.append(event)
    assert document is not None
    return Written({"_id": ObjectId(), "request_id": request_id, **document}, events)
