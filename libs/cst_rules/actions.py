"""What a step of an SLA policy, or staff, may ask for, by name.

What an action does is said where it can be done (``cst_escalation``); policies are checked against
the names when they are loaded.
"""

from __future__ import annotations

from cst_contracts.enums import INBOX_ROLES

#: Before a role: tell whoever has it.
NOTIFY = "notify:"
RAISE = "raise_priority"
REASSIGN = "reassign"
ASSIGN_SUPERVISOR = "assign_supervisor"

_names: list[str] = [
    *(f"{NOTIFY}{role}" for role in INBOX_ROLES),
    RAISE,
    REASSIGN,
    ASSIGN_SUPERVISOR,
]


def action_names() -> tuple[str, ...]:
    """Return the names of all actions there are."""
    return tuple(_names)


def allow_action(name: str) -> None:
    """Add a name to those that policies may use; ``cst_escalation.register`` calls it.

    Raises:
        ValueError: there is such an action already.
    """
    if name in _names:
        raise ValueError(f"there is an action {name!r} already")
    _names.append(name)
