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
_EVERYTHING = ("*",)
_NOTHING: tuple[str, ...] = ()

#: Paths (each with all below it) by event type; an event type that is not here changes nothing.
MAY_CHANGE: Mapping[str, tuple[str, ...]] = {
    "created": _EVERYTHING,
    "imported": _EVERYTHING,
    "triaged": (*_STEP, "category", "priority", "sla_policy", "due_at"),
    "assigned": (*_STEP, "assignment"),
    "in_progress": _STEP,
    "resolved": (*_STEP, "resolution_code"),
    "closed": _STEP,
    "assignment_deferred": ("assignment.auto_assign_candidate_agents",),
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
