"""By when the assignee must have begun: so many minutes of their own shifts, holds not counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cst_dispatch.domain.shifts import FOREVER, Window, pieces, without


def accept_by(
    schedule: dict[str, Any],
    since: datetime,
    minutes: float,
    pauses: Sequence[Window],
    *,
    always: bool,
) -> datetime | None:
    """Return the first instant at which the assignee had ``minutes`` of shifts from ``since`` on.

    Leave does not stop the time: work never waits for somebody's return, it is passed on. Time is
    real time, also in a night in which the clocks change; shifts that overlap count once.

    Args:
        schedule: the assignee's.
        since: when it was assigned (aware).
        minutes: more than 0.
        pauses: the request's holds, from and until (aware), in order and without overlaps.
        always: every minute counts, on shift or not: a P1 of somebody who is on call.

    Returns:
        The instant in UTC; None where that time never comes, as there are no shifts.
    """
    begin = since.astimezone(UTC)
    runs: Iterable[Window] = [(begin, FOREVER)] if always else pieces(schedule, begin)
    left = timedelta(minutes=minutes)
    holds = ((start.astimezone(UTC), end.astimezone(UTC)) for start, end in pauses)
    for start, end in without(runs, holds):
        if end - start >= left:
            return start + left
        left -= end - start
    return None
