"""What a hexagon weighs: the formulas, in words and in numbers, and how long they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

WeightName = Literal["count", "priority", "priority_age", "sla_risk"]

HOUR = timedelta(hours=1)
#: Ages are reckoned anew after this long, though nothing has happened.
AGES_LAST = timedelta(minutes=1)
_PRIORITY = "P1=8, P2=4, P3=2, P4=1"


@dataclass(slots=True)
class Sums:
    """Whole sums of a cell: requests, their priorities' weights, and those times seconds (1970)."""

    n: int = 0
    w: int = 0
    wt: int = 0

    def add(self, n: int, w: int, wt: int) -> None:
        """Add further sums."""
        self.n += n
        self.w += w
        self.wt += wt


def formula(weight: WeightName, risk_until: datetime) -> str:
    """Return the formula in words; ``risk_until`` is the end of what ``sla_risk`` looks at."""
    words = {
        "count": "number of requests",
        "priority": f"sum over requests of {_PRIORITY}",
        "priority_age": f"sum over requests of {_PRIORITY}, times hours since creation; "
        "open requests, unless the filter names statuses",
        "sla_risk": "number of open requests that are overdue or fall due before "
        f"{risk_until:%Y-%m-%dT%H:%MZ}",
    }
    return f"{weight}: {words[weight]}"


def weigh(weight: WeightName, sums: Sums, now: datetime) -> int | float:
    """Return what a hexagon weighs at ``now``."""
    if weight == "priority":
        return sums.w
    if weight == "priority_age":
        return max(0.0, round((sums.w * now.timestamp() - sums.wt) / 3600, 2))
    return sums.n


def whole_hour(at: datetime) -> datetime:
    """Return the beginning of the hour (UTC) that ``at`` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def risk_until(now: datetime, hours: int) -> datetime:
    """Return the end of the hour in which ``hours`` from ``now`` lie: promises are kept by hour."""
    return whole_hour(now + hours * HOUR) + HOUR


def due_filter(now: datetime, hours: int) -> dict[str, Any]:
    """Return the MongoDB filter of promises that are overdue or fall due until then."""
    return {"hour": {"$lt": risk_until(now, hours)}}


def lasts(weight: WeightName, now: datetime) -> timedelta | None:
    """Return how long figures hold while nothing happens; None where time does not move them."""
    if weight == "priority_age":
        return AGES_LAST
    return whole_hour(now) + HOUR - now if weight == "sla_risk" else None
