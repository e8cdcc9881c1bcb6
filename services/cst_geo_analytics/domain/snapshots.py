"""Named feeds: what may be asked of one, when its next snapshot is due, how snapshots are named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cst_contracts.base import Command, Instant
from cst_core.clock import past_instant
from cst_core.errors import InvalidInput
from cst_geo_analytics.domain.heatmap import CACHED
from cst_geo_analytics.domain.queries import HeatmapQuery

Audience = Literal["public", "staff"]

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,59}$"
#: Numbers of snapshots have at most so many digits.
NUMBER_PATTERN = r"^[1-9][0-9]{0,8}$"
#: A leap year.
MAX_HOURS = 366 * 24
MAX_KEPT = 366
DEFAULT_KEPT = 30


class FeedPlan(Command):
    """A named feed as staff define it.

    With ``every_hours`` a snapshot falls due at ``starts_at`` and each so many hours after it.
    """

    title: Annotated[str, Field(min_length=1, max_length=120)]
    query: HeatmapQuery = Field(description="As the parameters of the heatmap")
    audience: Audience = Field(
        default="staff", description="public: anybody may see it, made of what the public may see"
    )
    every_hours: Annotated[int | None, Field(ge=1, le=MAX_HOURS)] = None
    starts_at: Instant | None = Field(
        default=None, description="Default: as it was where the hours are the same, else now"
    )
    keep: int = Field(
        default=DEFAULT_KEPT, ge=1, le=MAX_KEPT, description="Snapshots, newest first"
    )

    @model_validator(mode="after")
    def _has_a_rhythm(self) -> FeedPlan:
        if self.starts_at is not None and self.every_hours is None:
            raise ValueError("starts_at needs every_hours")
        return self


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due times at ``starts_at`` and every so many hours after it; ``next_at`` is the next."""

    every_hours: int
    starts_at: datetime
    next_at: datetime


def next_due(starts_at: datetime, every_hours: int, after: datetime) -> datetime:
    """Return the first due time later than ``after``."""
    if after < starts_at:
        return starts_at
    step = timedelta(hours=every_hours)
    return starts_at + ((after - starts_at) // step + 1) * step


def scheduled(plan: FeedPlan, before: Schedule | None, now: datetime) -> Schedule | None:
    """Return the schedule of a plan that is stored at ``now``; None where it has no rhythm.

    A change of other things leaves the rhythm alone: no snapshot more, none less. A start that has
    been counts from then on, but brings no snapshot of the past.
    """
    if plan.every_hours is None:
        return None
    same_rhythm = before is not None and before.every_hours == plan.every_hours
    if before is not None and same_rhythm and plan.starts_at in (None, before.starts_at):
        return before
    if plan.starts_at is None:
        return Schedule(plan.every_hours, now, now)
    first = plan.starts_at
    if first < now:
        first = next_due(plan.starts_at, plan.every_hours, now)
    return Schedule(plan.every_hours, plan.starts_at, first)


def check_name(name: str) -> None:
    """Raise ``InvalidInput`` for a name that the heatmap and its cache have taken."""
    if name == "heatmap" or name.startswith(CACHED):
        allowed = [NAME_PATTERN, f'neither "heatmap" nor beginning with "{CACHED}"']
        raise InvalidInput.field("name", "is the heatmap's own", name, allowed)


def snapshot_name(feed: str, number: int) -> str:
    """Return a snapshot's unique name among all feeds; a feed's name has no ``@``."""
    return f"{feed}@{number}"


def read_reference(field: str, text: str, now: datetime) -> int | datetime:
    """Read what names a snapshot: its number, or an instant that it was in force at.

    Raises:
        InvalidInput: it is neither, or an instant later than ``now``.
    """
    if re.fullmatch(NUMBER_PATTERN, text, re.ASCII):
        return int(text)
    try:
        return past_instant(field, text, now)
    except InvalidInput as error:
        (wrong,) = error.members["errors"]
        allowed = ["a snapshot's number", *wrong["allowed"]]
        raise InvalidInput.field(field, wrong["message"], text[:100], allowed) from None


def plain_query(query: HeatmapQuery) -> dict[str, Any]:
    """Return what was asked for and nothing else, to be stored and read again."""
    return query.model_dump(mode="json", by_alias=True, exclude_unset=True)
