"""The actions of an escalation, the same for staff and for the steps of an SLA policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cst_contracts.enums import INBOX_ROLES, PRIORITIES
from cst_core.errors import InvalidInput
from cst_inbox import Notice
from cst_ledger.events import By, Document, NewEvent
from cst_rules.actions import (
    ASSIGN_SUPERVISOR,
    NOTIFY,
    RAISE,
    REASSIGN,
    action_names,
    allow_action,
)

#: ``kind`` of the notices that escalations post.
KIND = "escalation"
#: ``rule`` of a priority that an escalation raised.
RULE = "escalation"


@dataclass(frozen=True, slots=True)
class Escalation:
    """What an action brings about; both are to be written in one transaction."""

    events: list[NewEvent] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """An action as it is asked for: of what request, by whom, and why in one line."""

    document: Document
    action: str
    by: By
    why: str


#: What an action brings about besides the event ``escalated``.
Act = Callable[[Asked], Escalation]


def escalate(
    document: Document,
    action: str,
    by: By,
    reason: str | None = None,
    *,
    after_hours: float | None = None,
) -> Escalation:
    """Return the events and notices of an escalation of ``document``, ``escalated`` first.

    A raised priority reorders queues; the promise stays as it is. ``reassign`` is carried out by
    dispatch, which hears of it by the event.

    Args:
        document: the request as it stands.
        action: one of ``action_names()``.
        by: who asks for it, or what rule.
        reason: free text, a note on the request.
        after_hours: the step of the policy that fired, where one did.

    Raises:
        InvalidInput: the action is unknown.
    """
    act = _ACTS.get(action)
    if act is None:
        raise InvalidInput.field("action", "is no action", action, action_names())
    meta = {"action": action, "after_hours": after_hours}
    count = document.get("escalations", 0) + 1
    event = NewEvent("escalated", by, changes={"escalations": count}, meta=meta, message=reason)
    follows = act(Asked(document, action, by, _why(document, action, by, after_hours)))
    return Escalation([event, *follows.events], follows.notices)


def register(name: str, act: Act) -> None:
    """Add an action, which policies and staff may use from then on.

    Raises:
        ValueError: there is an action of that name already.
    """
    allow_action(name)
    _ACTS[name] = act


def _why(document: Document, action: str, by: By, after_hours: float | None) -> str:
    if after_hours is None:
        return f"{action} by {by.actor_type} {by.actor_id}"
    return f"{action}: {after_hours:g} hours of {document['sla_policy']['policy_id']} are used up"


def _notify(asked: Asked) -> Escalation:
    return _told(asked, asked.action.removeprefix(NOTIFY))


def _assign_supervisor(asked: Asked) -> Escalation:
    return _told(asked, "supervisor")


def _told(asked: Asked, role: str) -> Escalation:
    seq = asked.document["ledger"]["seq"] + 1
    notice = Notice(asked.document["request_id"], KIND, role, asked.why, seq)
    return Escalation(notices=[notice])


def _raise_priority(asked: Asked) -> Escalation:
    """One step up; what is at the top stays there."""
    priority = asked.document["priority"]
    position = PRIORITIES.index(priority)
    if position == 0:
        return Escalation()
    raised = PRIORITIES[position - 1]
    meta = {"from_priority": priority, "to_priority": raised, "rule": RULE}
    return Escalation(
        [NewEvent("priority_changed", asked.by, changes={"priority": raised}, meta=meta)]
    )


def _reassign(_: Asked) -> Escalation:
    return Escalation()


_ACTS: dict[str, Act] = {
    **{f"{NOTIFY}{role}": _notify for role in INBOX_ROLES},
    RAISE: _raise_priority,
    REASSIGN: _reassign,
    ASSIGN_SUPERVISOR: _assign_supervisor,
}
