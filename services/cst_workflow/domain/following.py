"""The way of a duplicate to where its master is, and the steps on it."""

from __future__ import annotations

from collections import deque
from typing import Any

from cst_ledger.events import By, Document, NewEvent
from cst_ledger.rules import RuleSet

DUPLICATES = By("system", "duplicates")
#: ``assignment_policy`` of a duplicate, whose work is its master's.
WITH_MASTER = "with_master"
_RULE = "duplicates"


def way(rules: RuleSet, status: str, master: Document) -> list[str]:
    """Return the states through which a duplicate in ``status`` gets to its master's, if any.

    Args:
        rules: the duplicate's own.
        status: where it is.
        master: where it is to get. What was closed without work is closed likewise, or not at all;
            what was done is not passed over by a rejection.
    """
    target = master["status"]
    if status == target:
        return []
    if target == "closed" and master["timestamps"]["resolved_at"] is None:
        return [target] if rules.has_edge(status, target) else []
    before: dict[str, str] = {status: ""}
    queue = deque([status])
    while queue and target not in before:
        current = queue.popleft()
        for following in rules.allowed_next(current):
            rejection = following == "closed" and current != "resolved"
            if following not in before and not rejection:
                before[following] = current
                queue.append(following)
    return _back(before, target)


def _back(before: dict[str, str], target: str) -> list[str]:
    steps: list[str] = []
    state = target if target in before else ""
    while state and before[state]:
        steps.append(state)
        state = before[state]
    return steps[::-1]


def following_step(
    status: str, duplicate: Document, master: Document, agent: Document | None
) -> NewEvent:
    """Return the event of a duplicate's step after its master.

    Args:
        status: where the step leads.
        duplicate: the request that takes it.
        master: whose work it is.
        agent: the master's, who is not charged with the duplicate.
    """
    changes: dict[str, Any] = {"status": status}
    meta: dict[str, Any] = {}
    message: str | None = None
    if status in ("triaged", "closed"):
        meta["rule"] = _RULE
    if status == "assigned" and agent is not None:
        changes["assignment.assigned_agent_id"] = agent["_id"]
        changes["assignment.assignment_policy"] = WITH_MASTER
        meta = {
            "agent_id": agent["_id"],
            "agent_code": agent["agent_code"],
            "assignment_policy": WITH_MASTER,
        }
    if status == "in_progress" and duplicate["status"] == "resolved":
        meta["reopened"] = True
        message = f"Reopened with {master['request_id']}"
    if status == "triaged" and duplicate["status"] != "new":
        message = f"Returned with {master['request_id']}"
    if status == "resolved" or (status == "closed" and duplicate["status"] != "resolved"):
        changes["resolution_code"] = master["resolution_code"]
        meta["resolution_code"] = master["resolution_code"]
    if status == "closed" and duplicate["status"] != "resolved":
        message = f"Closed with {master['request_id']}"
    return NewEvent(status, DUPLICATES, changes=changes, meta=meta, message=message)
