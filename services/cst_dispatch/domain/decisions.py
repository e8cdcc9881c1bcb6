"""Dispatch's events."""

from __future__ import annotations

from datetime import datetime

from cst_dispatch.domain.candidates import Ranking
from cst_ledger.events import By, Document, NewEvent

DISPATCH = By("system", "dispatch")
POLICY = "zone+skill+workload"
#: ``assignment_policy`` of work that went to the department's team, and to its supervisor.
TEAM, SUPERVISOR = "team", "supervisor"
#: Candidates kept with a decision.
KEPT = 5


def assigned(agent: Document, ranking: Ranking, by: By) -> NewEvent:
    """Return the event that gives a request to ``agent``."""
    scores = ranking.scores()[:KEPT]
    changes = {
        "status": "assigned",
        "assignment.assigned_agent_id": agent["_id"],
        "assignment.auto_assign_candidate_agents": [score["agent_id"] for score in scores],
        "assignment.assignment_policy": POLICY,
    }
    meta = {
        "agent_id": agent["_id"],
        "agent_code": agent["agent_code"],
        "assignment_policy": POLICY,
        "candidates": scores,
        "excluded": ranking.excluded,
    }
    return NewEvent("assigned", by, changes=changes, meta=meta)


def reassigned(
    document: Document, agent: Document, policy: str, ranking: Ranking, by: By
) -> NewEvent:
    """Return the event that passes assigned work on to ``agent``; its status stays."""
    scores, assignment = ranking.scores()[:KEPT], document["assignment"]
    changes = {
        "assignment.assigned_agent_id": agent["_id"],
        "assignment.past_agent_ids": [
            *assignment["past_agent_ids"],
            assignment["assigned_agent_id"],
        ],
        "assignment.auto_assign_candidate_agents": [score["agent_id"] for score in scores],
        "assignment.assignment_policy": policy,
    }
    meta = {
        "from_agent_id": assignment["assigned_agent_id"],
        "agent_id": agent["_id"],
        "agent_code": agent["agent_code"],
        "assignment_policy": policy,
        "candidates": scores,
        "excluded": ranking.excluded,
    }
    return NewEvent("reassigned", by, changes=changes, meta=meta)


def deferred(ranking: Ranking, next_try_at: datetime, by: By) -> NewEvent:
    """Return the event that says nobody fits now, why, and when it is tried again."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in ranking.excluded.items())
    meta = {
        "reason": reasons or "no agent has the skill",
        "excluded": ranking.excluded,
        "next_try_at": next_try_at,
    }
    return NewEvent("assignment_deferred", by, meta=meta)
