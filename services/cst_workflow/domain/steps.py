"""From a transition command to the event it means."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_contracts.requests import TransitionCommand
from cst_core.errors import Conflict, InvalidInput
from cst_ledger.events import By, Document, NewEvent

#: ``assignment_policy`` of what staff assigned by hand.
MANUAL = "manual"
#: States in which a request occupies its agent's capacity.
WORK = ("assigned", "in_progress")
_ALL_FIELDS = ("priority", "assigned_agent_id", "resolution_code")


def fields_of(source: str, target: str) -> tuple[str, ...]:
    """Return the fields that a step from ``source`` to ``target`` may bring."""
    if target == "triaged" and source == "new":
        return ("priority",)
    if target == "assigned" or (target == "in_progress" and source != "assigned"):
        return ("assigned_agent_id",)
    if target == "resolved" or (target == "closed" and source != "resolved"):
        return ("resolution_code",)
    return ()


def check_fields(command: TransitionCommand, source: str) -> None:
    """Raise ``InvalidInput`` when the command brings fields that its step does not take."""
    taken = fields_of(source, command.to)
    strange = [
        name for name in _ALL_FIELDS if name not in taken and getattr(command, name) is not None
    ]
    if strange:
        raise InvalidInput(
            f"the step to {command.to} does not take: {', '.join(strange)}",
            [
                {
                    "field": name,
                    "message": f"is not a field of the step from {source} to {command.to}",
                    "value": getattr(command, name),
                    "allowed": list(taken),
                }
                for name in strange
            ],
        )


def check_free(document: Document) -> None:
    """Raise ``Conflict`` where steps are not taken by hand: on duplicates, and on what is held."""
    request_id, master = document["request_id"], document["duplicates"]["master_request_id"]
    if master is not None:
        raise Conflict(
            f"{request_id} is a duplicate of {master} and follows it: take the step there, "
            "or unmerge it first",
            master_request_id=master,
        )
    hold = document["workflow"]["hold"]
    if hold is not None:
        raise Conflict(
            f"{request_id} is held ({hold['reason']}) until {hold['until'].isoformat()}: "
            "resume it first",
            hold_reason=hold["reason"],
        )


def check_undisputed(document: Document, target: str) -> None:
    """Raise ``Conflict`` where a request would be closed that its reporter disputes."""
    if target == "closed" and document["dispute"] is not None:
        request_id = document["request_id"]
        raise Conflict(
            f"{request_id} is disputed: a supervisor settles that by "
            f"POST /requests/{request_id}/dispute/settle"
        )


def step_event(
    command: TransitionCommand,
    by: By,
    *,
    source: str,
    agent: Document | None,
    policy: dict[str, Any],
) -> NewEvent:
    """Return the event of a step (of a reopening: see ``Reopening``).

    Args:
        command: the step, its fields checked.
        by: who takes it.
        source: the state that it leads from.
        agent: the reserved agent, where the step brings one.
        policy: ``sla_policy`` and ``due_at`` where a new priority selects another policy.
    """
    changes: dict[str, Any] = {"status": command.to}
    meta: dict[str, Any] = {}
    if command.to == "triaged":
        meta = {"rule": None}
        if command.priority is not None:
            changes |= {"priority": command.priority, **policy}
    if command.to == "assigned" or agent is not None:
        # A missing agent stays missing here, so that the rules name the field.
        changes["assignment.assigned_agent_id"] = agent["_id"] if agent else None
        changes["assignment.assignment_policy"] = MANUAL
    if command.to == "assigned" and agent is not None:
        meta = {
            "agent_id": agent["_id"],
            "agent_code": agent["agent_code"],
            "assignment_policy": MANUAL,
        }
    if command.to == "resolved" or (command.to == "closed" and source != "resolved"):
        changes["resolution_code"] = command.resolution_code
        meta = {"resolution_code": command.resolution_code}
    return NewEvent(command.to, by, changes=changes, meta=meta, message=command.note)


def holder_of(document: Document) -> ObjectId | None:
    """Return the agent whose capacity the request occupies.

    It does while its work is open; a duplicate's work is its master's.
    """
    if document["status"] not in WORK or not document["duplicates"]["is_master"]:
        return None
    holder: ObjectId | None = document["assignment"]["assigned_agent_id"]
    return holder
