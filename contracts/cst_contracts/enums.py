"""Closed vocabularies of the specification, each with an ``unknown`` for tolerant readers.

A reader built against an older contract maps a value it has never seen to ``unknown`` instead of
failing. Writers never send ``unknown``: the write models use the ``Literal`` aliases below.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class TolerantEnum(StrEnum):
    """A string enum whose unknown values become the member ``unknown``."""

    @classmethod
    def _missing_(cls, value: object) -> TolerantEnum | None:
        return cls.__members__.get("UNKNOWN")


class Status(TolerantEnum):
    NEW = "new"
    TRIAGED = "triaged"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Priority(TolerantEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    UNKNOWN = "unknown"


class ActorKind(TolerantEnum):
    CITIZEN = "citizen"
    AGENT = "agent"
    STAFF = "staff"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Publicity(TolerantEnum):
    """How much of a request the public may see: the point, a coarse cell, or totals only."""

    EXACT = "exact"
    AREA = "area"
    NONE = "none"
    UNKNOWN = "unknown"


StatusName = Literal["new", "triaged", "assigned", "in_progress", "resolved", "closed"]
PriorityName = Literal["P1", "P2", "P3", "P4"]
PublicityName = Literal["exact", "area", "none"]
DuplicateMode = Literal["off", "suggest", "auto"]
ContactChannel = Literal["email", "sms", "none"]
Role = Literal["citizen", "agent", "dispatcher", "supervisor", "auditor", "admin"]
AgentKind = Literal["person", "team"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

STATUSES: tuple[StatusName, ...] = (
    "new",
    "triaged",
    "assigned",
    "in_progress",
    "resolved",
    "closed",
)
PRIORITIES: tuple[PriorityName, ...] = ("P1", "P2", "P3", "P4")
OPEN_STATUSES: frozenset[str] = frozenset({"new", "triaged", "assigned", "in_progress"})
#: Whom a notice can concern: roles of staff, and whoever is on call.
INBOX_ROLES = ("on_call", "dispatcher", "supervisor", "admin")
#: Zone of a request whose place nobody knows (filed by address only, or on a city's default point).
UNKNOWN_ZONE = "UNKNOWN"
