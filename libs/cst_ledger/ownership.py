"""Which event type may change which fields, so that services keep out of each other's way."""

from __future__ import annotations

from collections.abc import Mapping

from cst_contracts.events import EVENTS

_STEP = ("status", "workflow", "timestamps")
_EVERYTHING = ("",)

#: Path prefixes by event type; an event type that is not here changes nothing.
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
#: The only types that may change ``status``, and to what.
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
    """Raise ``OwnershipError`` unless the type exists and may change every path of ``changes``."""
    if event_type not in EVENTS:
        raise OwnershipError(f"{event_type!r} is no event type of the contracts")
    allowed = MAY_CHANGE.get(event_type, ())
    for path in changes:
        if not any(path.startswith(prefix) for prefix in allowed):
            raise OwnershipError(f"{event_type} may not change {path}")
    status = changes.get("status")
    if status is not None and allowed is not _EVERYTHING and STATUS_OF.get(event_type) != status:
        raise OwnershipError(f"{event_type} may not set status {status}")
