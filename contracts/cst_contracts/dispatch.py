"""What callers send to dispatch about requests, and what it answers."""

from __future__ import annotations

from pydantic import Field

from cst_contracts.base import Command, Instant, ObjectIdStr, RequestId, Wire
from cst_contracts.enums import Priority
from cst_contracts.events import CandidateScore


class AssignCommand(Command):
    """Body of ``POST /requests/{request_id}/assign``.

    ``override_reason`` gives it to the agent whatever speaks against it, except that they are full
    or not active.
    """

    agent_id: ObjectIdStr
    override_reason: str | None = Field(default=None, min_length=1, max_length=500)
    expected_version: int | None = Field(default=None, ge=1)


class Exclusion(Wire):
    """Somebody with the skill who was left out, and why."""

    agent_id: ObjectIdStr
    agent_code: str
    reason: str = Field(examples=["zone", "off_shift", "leave", "full", "held_before", "outranked"])


class AssignmentDecision(Wire):
    """What dispatch decided for a request, or (``dry_run``) would decide, and why.

    ``excluded`` counts all who were left out by reason; ``left_out`` names them in a dry run, up to
    500 of those who have the skill.
    """

    request_id: RequestId
    outcome: str = Field(examples=["assigned", "deferred"])
    agent_id: ObjectIdStr | None
    agent_code: str | None
    candidates: list[CandidateScore]
    excluded: dict[str, int]
    next_try_at: Instant | None
    dry_run: bool = False
    left_out: list[Exclusion] = []


class QueuedRequest(Wire):
    """A request that waits for an agent: since when, why, and when it is looked at next.

    ``reason`` is null until it was looked at for the first time.
    """

    request_id: RequestId
    priority: Priority
    category: str
    zone_id: str
    skills: list[str]
    created_at: Instant
    due_at: Instant | None
    waits_since: Instant
    reason: str | None
    excluded: dict[str, int]
    next_try_at: Instant


class QueuePage(Wire):
    """Most urgent and oldest first."""

    items: list[QueuedRequest]
    next_cursor: str | None
