"""From a transition command to the event it means."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_contracts.requests import TransitionCommand
from cst_core.errors import InvalidInput
from cst_ledger.events import By, Document, NewEvent

#: Fields that a step may bring, by target state.
STEP_FIELDS: dict[str, tuple[str, ...]] = {
    "triaged": ("priority",),
    "assigned": ("assigned_agent_id",),
    "resolved": ("resolution_code",),
}
#: ``assignment_policy`` of what staff assigned by hand.
MANUAL = "manual"
_ALL_FIELDS = ("priority", "assigned_agent_id", "resolution_code")


def check_fields(command: TransitionCommand) -> None:
    """Raise ``InvalidInput`` when the command brings fields that its step does not take."""
    taken = STEP_FIELDS.get(command.to, ())
    strange = [
        name for name in _ALL_FIELDS if name not in taken and getattr(command, name) is not None
    ]
    if strange:
        raise InvalidInput(
            f"the step to {command.to} does not take: {', '.join(strange)}",
            [
                {
                    "field": name,
                    "message": f"is not a field of the step to {command.to}",
                    "value": getattr(command, name),
                    "allowed": list(taken),
                }
                for name in strange
            ],
        )


def step_event(
    command: TransitionCommand, by: By, *, agent: Document | None, policy: dict[str, Any]
) -> NewEvent:
    """Return the event of a step.

    Args:
        command: the step, its fields checked.
        by: who takes it.
        agent: the reserved agent, for ``assigned``.
        policy: ``sla_policy`` and ``due_at`` where a new priority selects another policy.
    """
    changes: dict[str, Any] = {"status": command.to}
    meta: dict[str, Any] = {}
    if command.to == "triaged":
        meta = {"rule": None}
        if command.priority is not None:
            changes |= {"priority": command.priority, **policy}
    if command.to == "assigned":
        # A missing agent stays missing here, so that the rules name the field.
        meta = _assignment_meta(agent)
        changes["assignment.assigned_agent_id"] = agent["_id"] if agent else None
        changes["assignment.assignment_policy"] = MANUAL
    if command.to == "resolved":
        changes["resolution_code"] = command.resolution_code
        meta = {"resolution_code": command.resolution_code}
    return NewEvent(command.to, by, changes=changes, meta=meta, message=command.note)


def _assignment_meta(agent: Document | None) -> dict[str, Any]:
    if agent is None:
        return {}
    return {
        "agent_id": agent["_id"],
        "agent_code": agent["agent_code"],
        "assignment_policy": MANUAL,
    }


def holder_of(document: Document) -> ObjectId | None:
    """Return the agent whose capacity the request occupies (open work only)."""
    if document["status"] not in ("assigned", "in_progress"):
        return None
    holder: ObjectId | None = document["assignment"]["assigned_agent_id"]
    return holder
