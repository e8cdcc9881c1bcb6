"""Dispatch's decisions, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bson import ObjectId

from cst_dispatch.domain.candidates import FULL, OUTRANKED, Ranking
from cst_ledger.events import By, Document, NewEvent

DISPATCH = By("system", "dispatch")
POLICY = "zone+skill+workload"
#: ``assignment_policy`` of work that went to the department's team, to its supervisor, and to whom
#: staff have chosen.
TEAM, SUPERVISOR, MANUAL = "team", "supervisor", "manual"
#: Candidates kept with a decision.
KEPT = 5

#: Why work is passed on.
Cause = Literal["escalated", "not_accepted", "deactivated", "manual"]


@dataclass(frozen=True)
class Decision:
    """What dispatch did with a request; ``agent`` is None when it waits until ``next_try_at``."""

    ranking: Ranking
    agent: Document | None
    next_try_at: datetime | None


def is_to_assign(document: Document) -> bool:
    """Tell whether a request waits for an agent by rule."""
    return (
        document["status"] == "triaged"
        and not document["historic"]
        and bool(document["duplicates"]["is_master"])
        and document["workflow"]["hold"] is None
    )


def why_not(document: Document) -> str:
    """Say why a request is not to assign."""
    hold, master = document["workflow"]["hold"], document["duplicates"]["master_request_id"]
    if master is not None:
        return f"is a duplicate of {master}, which is assigned for both"
    if hold is not None:
        return f"is held ({hold['reason']}): resume it first"
    if document["status"] == "triaged":
        return "is history from elsewhere, which is not assigned by rule"
    return f"is {document['status']}; only triaged requests are assigned"


def holders(document: Document) -> set[ObjectId]:
    """Return who has a request, or had it before."""
    assignment = document["assignment"]
    return {assignment["assigned_agent_id"], *assignment["past_agent_ids"]} - {None}


def assigned(
    document: Document,
    agent: Document,
    ranking: Ranking,
    by: By,
    now: datetime,
    *,
    policy: str = POLICY,
    overridden: Collection[str] = (),
    reason: str | None = None,
) -> NewEvent:
    """Return the event that gives a request to ``agent``; who gave it back is a past holder.

    ``overridden`` are the objections that staff have passed over, for their ``reason``.
    """
    changes = {"status": "assigned", **_given_to(document, agent, ranking, policy, now)}
    meta = _chosen(agent, ranking, policy) | {"overridden": list(overridden)}
    return NewEvent("assigned", by, changes=changes, meta=meta, message=reason, at=now)


def reassigned(
    document: Document,
    agent: Document,
    ranking: Ranking,
    by: By,
    now: datetime,
    *,
    policy: str,
    cause: Cause,
    overridden: Collection[str] = (),
    reason: str | None = None,
) -> NewEvent:
    """Return the event that passes work on to ``agent``; its status stays."""
    assignment = document["assignment"]
    before = assignment["assigned_agent_id"]
    changes = _given_to(document, agent, ranking, policy, now)
    if cause == "not_accepted":
        changes["assignment.not_accepted"] = assignment.get("not_accepted", 0) + 1
    meta = _chosen(agent, ranking, policy) | {
        "from_agent_id": before,
        "cause": cause,
        "overridden": list(overridden),
    }
    return NewEvent("reassigned", by, changes=changes, meta=meta, message=reason, at=now)


def _given_to(
    document: Document, agent: Document, ranking: Ranking, policy: str, now: datetime
) -> dict[str, Any]:
    assignment = document["assignment"]
    before = assignment["assigned_agent_id"]
    had_it = [] if before is None else [before]
    candidates = [score["agent_id"] for score in ranking.scores()[:KEPT]]
    return {
        "assignment.assigned_agent_id": agent["_id"],
        "assignment.auto_assign_candidate_agents": candidates,
        "assignment.assignment_policy": policy,
        "assignment.past_agent_ids": [*assignment["past_agent_ids"], *had_it],
        "assignment.since": now,
    }


def _chosen(agent: Document, ranking: Ranking, policy: str) -> dict[str, Any]:
    return {
        "agent_id": agent["_id"],
        "agent_code": agent["agent_code"],
        "assignment_policy": policy,
        "candidates": ranking.scores()[:KEPT],
        "excluded": ranking.excluded,
    }


def reason_of(excluded: Mapping[str, int]) -> str:
    """Say in one line why nobody fits."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in excluded.items())
    return reasons or "there is nobody to ask"


def waits_for_room(excluded: Mapping[str, int]) -> bool:
    """Tell whether somebody could take it, but for what they have to do already."""
    return FULL in excluded or OUTRANKED in excluded


def deferred(excluded: Mapping[str, int], next_try_at: datetime, by: By) -> NewEvent:
    """Return the event that says nobody fits now, why, and when it is tried again."""
    meta = {
        "reason": reason_of(excluded),
        "excluded": dict(excluded),
        "next_try_at": next_try_at,
    }
    return NewEvent("assignment_deferred", by, meta=meta)
