"""What is said and asked of the city's promises."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cst_contracts.base import Command, Instant, RequestId, Wire


class PolicyVersion(Wire):
    """A version of the city's promises, as it was loaded."""

    version: int = Field(ge=1)
    stored_at: Instant
    policies: int = Field(description="How many policies it has")


class PolicySet(Wire):
    """A version of the city's promises: its policies in their declared order, and its calendars."""

    version: int = Field(ge=1)
    stored_at: Instant
    policies: list[dict[str, Any]]
    calendars: dict[str, dict[str, Any] | None] = Field(
        description="Opening hours by name; null: hours of the clock"
    )


class ReselectCommand(Command):
    """Body of ``POST /sla-policies/reselect``."""

    category: str | None = Field(default=None, max_length=80, description="Of this category only")
    policy_id: str | None = Field(
        default=None, max_length=80, description="Of what is promised by this policy only"
    )
    dry_run: bool = Field(default=True, description="True: say what would change, change nothing")


class PolicyMove(Wire):
    """How many requests go from one policy to another; null: nothing is promised."""

    from_policy_id: str | None
    to_policy_id: str | None
    requests: int


class ReselectedRequest(Wire):
    """An open request whose promise changes."""

    request_id: RequestId
    from_policy_id: str | None
    to_policy_id: str | None
    due_before: Instant | None
    due_after: Instant | None


class Reselection(Wire):
    """What selecting the promises of open requests anew does, or (``dry_run``) would do."""

    dry_run: bool
    version: int = Field(description="Of the policies that are selected from")
    unchanged: int
    changed: int
    lengthened: int = Field(description="Of the changed: promised for later than before")
    shortened: int = Field(description="Of the changed: promised for earlier than before")
    moves: list[PolicyMove]
    requests: list[ReselectedRequest] = Field(description="The first of the changed")
