"""The actions of an escalation, the same for staff and for the steps of an SLA policy."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.enums import PRIORITIES
from cst_core.errors import InvalidInput
from cst_inbox import INBOX_ROLES, Notice
from cst_ledger.events import By, Document, NewEvent

_NOTIFY = "notify:"
RAISE = "raise_priority"
ASSIGN_SUPERVISOR = "assign_supervisor"
#: What can be asked for.
ACTIONS = (*(f"{_NOTIFY}{role}" for role in INBOX_ROLES), RAISE, ASSIGN_SUPERVISOR)
#: ``kind`` of the notices that escalations post.
KIND = "escalation"
#: ``rule`` of a priority that an escalation raised.
RULE = "escalation"


@dataclass(frozen=True, slots=True)
class Escalation:
    """What an action brings about; both are to be written in one transaction."""

    events: list[NewEvent]
    notices: list[Notice]


def escalate(
    document: Document,
    action: str,
    by: By,
    reason: str | None = None,
    *,
    after_hours: float | None = None,
) -> Escalation:
    """Return the events and notices of an escalation of ``document``.

    A raised priority reorders queues; the promise stays as it is.

    Args:
        document: the request as it stands.
        action: one of ``ACTIONS``.
        by: who asks for it, or what rule.
        reason: free text, a note on the request.
        after_hours: the step of the policy that fired, where one did.

    Raises:
        InvalidInput: the action is unknown.
    """
    if action not in ACTIONS:
        raise InvalidInput.field("action", "is no action", action, ACTIONS)
    meta = {"action": action, "after_hours": after_hours}
    count = document.get("escalations", 0) + 1
    events = [NewEvent("escalated", by, changes={"escalations": count}, meta=meta, message=reason)]
    if action == RAISE:
        events += _raised(document, by)
    return Escalation(events, _notices(document, action, by))


def _raised(document: Document, by: By) -> list[NewEvent]:
    """One step up; what is at the top stays there."""
    position = PRIORITIES.index(document["priority"])
    if position == 0:
        return []
    raised = PRIORITIES[position - 1]
    meta = {"from_priority": document["priority"], "to_priority": raised, "rule": RULE}
    return [NewEvent("priority_changed", by, changes={"priority": raised}, meta=meta)]


def _notices(document: Document, action: str, by: By) -> list[Notice]:
    role = "supervisor" if action == ASSIGN_SUPERVISOR else action.removeprefix(_NOTIFY)
    if role not in INBOX_ROLES:
        return []
    reason = f"{action} by {by.actor_type} {by.actor_id}"
    seq = document["ledger"]["seq"] + 1
    return [Notice(document["request_id"], KIND, role, reason, seq)]
