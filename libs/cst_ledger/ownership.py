"""Which event type may change which fields, so that services keep out of each other's way."""

from __future__ import annotations

from collections.abc import Mapping

from cst_contracts.enums import STATUSES
from cst_contracts.events import EVENTS

_STEP = (
    "status",
    "workflow",
    *(f"timestamps.{step}_at" for step in STATUSES if step != "new"),
)
_PROMISE = ("sla_policy", "due_at")
#: What a clock that goes on after a pause changes.
_RESTART = ("due_at", "workflow.held_seconds", "workflow.pauses")
_EVERYTHING = ("*",)
_NOTHING: tuple[str, ...] = ()

#: Paths (each with all below it) by event type; an event type that is not here changes nothing.
MAY_CHANGE: Mapping[str, tuple[str, ...]] = {
    "created": _EVERYTHING,
    "imported": _EVERYTHING,
    "triaged": (*_STEP, "category", "priority", *_PROMISE, "assignment"),
    "assigned": (*_STEP, "assignment"),
    "in_progress": (*_STEP, "resolution_code", "due_at", "assignment"),
    "resolved": (*_STEP, "resolution_code"),
    "closed": (*_STEP, "resolution_code", "dispute"),
    "assignment_deferred": ("assignment.auto_assign_candidate_agents",),
    "rules_changed": ("workflow.transition_rules_version", "workflow.allowed_next"),
    "held": ("workflow.hold",),
    "resumed": ("workflow.hold", *_RESTART),
    "category_changed": ("category", "sub_category", *_PROMISE, "public"),
    "priority_changed": ("priority", "danger", *_PROMISE),
    "location_changed": ("location", *_PROMISE),
    "danger_confirmed": ("danger",),
    "escalated": ("escalations", "sla_fired"),
    "reassigned": ("assignment",),
    "sla_at_risk": ("sla_fired",),
    "sla_response_missed": ("sla_fired",),
    "sla_overdue": ("sla_fired",),
    "sla_breached": ("sla_fired",),
    "policy_changed": _PROMISE,
    "duplicate_linked": ("duplicates",),
    "duplicate_unlinked": ("duplicates", "assignment", *_RESTART),
    "supported": ("supporters",),
    "succeeded": ("succeeded_by", "dispute"),
    "evidence_added": ("evidence",),
    "released": ("text_public", "evidence"),
    "hidden": ("text_public", "evidence"),
    "redacted": ("description", "location.address_hint", "internal.notes", "evidence"),
    "visibility_changed": ("public",),
    "rated": ("rating",),
    "disputed": ("dispute",),
    "dispute_settled": ("dispute",),
}
#: The only types that change ``status``, and to what; such an event always does.
STATUS_OF = {
    "triaged": "triaged",
    "assigned": "assigned",
    "in_progress": "in_progress",
    "resolved": "resolved",
    "closed": "closed",
}


class OwnershipError(Exception):
    """A programming error: an event tries to change what its type may not."""


def check_ownership(event_type: str, changes: Mapping[str, object]) -> None:
    """Raise ``OwnershipError`` unless the type exists and may change every path of ``changes``.

    A step's event must bring its status, too.
    """
    if event_type not in EVENTS:
        raise OwnershipError(f"{event_type!r} is no event type of the contracts")
    allowed = MAY_CHANGE.get(event_type, _NOTHING)
    if allowed is _EVERYTHING:
        return
    for path in changes:
        if not any(path == owned or path.startswith(f"{owned}.") for owned in allowed):
            raise OwnershipError(f"{event_type} may not change {path}")
    status = changes.get("status")
    if status != STATUS_OF.get(event_type):
        raise OwnershipError(f"{event_type} may not set status {status}")
