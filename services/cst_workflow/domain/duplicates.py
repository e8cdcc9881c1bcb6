"""Which reports are of one thing: one rule for the live detection and for reports over history.

A report is a duplicate of the oldest report that fits: of the same category, within radius and
window, still open when the report came, not of lower priority, and not a duplicate itself. So a
group is flat, and none of it lies farther from its master than the radius.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cst_contracts.enums import OPEN_STATUSES, PRIORITIES
from cst_geo import haversine_m, leaf_cell, leaves_within, parent
from cst_ledger.events import Document

#: Guards are cells of the finest of these resolutions whose edge is at least twice the radius, so
#: that a circle touches few of them: (resolution, largest radius in metres).
_GUARD_RESOLUTIONS = ((9, 80.0), (8, 220.0), (7, 1000.0))


class Rules(Protocol):
    """What the rule needs to know of a category."""

    @property
    def radius_m(self) -> float: ...
    @property
    def window_hours(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What the rule needs to know of a request whose place is known.

    Attributes:
        request_id: its number.
        tie: tells reports of one instant apart, the same in every run.
        lon, lat: degrees.
        created_at: when it came.
        ended_at: when it was resolved or closed; None while it is open.
        urgency: 0 is the most urgent.
    """

    request_id: str
    tie: str
    lon: float
    lat: float
    created_at: datetime
    ended_at: datetime | None
    urgency: int

    @classmethod
    def of(cls, document: Document) -> Report:
        """Return what the rule needs of a request's document."""
        times, source = document["timestamps"], document["source"]
        lon, lat = document["location"]["coordinates"]
        return cls(
            request_id=document["request_id"],
            tie=source["id"] if source else document["request_id"],
            lon=lon,
            lat=lat,
            created_at=times["created_at"],
            ended_at=times["resolved_at"] or times["closed_at"],
            urgency=PRIORITIES.index(document["priority"]),
        )

    @property
    def order(self) -> tuple[datetime, str]:
        """Older ones come first."""
        return self.created_at, self.tie

    def distance_m(self, other: Report) -> float:
        """Return the distance between the two places along the globe."""
        return haversine_m(self.lon, self.lat, other.lon, other.lat)

    def leaves(self, rules: Rules) -> list[str]:
        """Return the leaf cells that hold everything within the category's radius."""
        return leaves_within(self.lon, self.lat, rules.radius_m)


def fits(master: Report, report: Report, rules: Rules) -> bool:
    """Tell whether ``master`` may be the master of ``report``, which is of the same category."""
    return (
        master.order < report.order
        and report.created_at - master.created_at <= timedelta(hours=rules.window_hours)
        and (master.ended_at is None or master.ended_at > report.created_at)
        and master.urgency <= report.urgency
        and master.distance_m(report) <= rules.radius_m
    )


def guard_cells(leaves: Iterable[str], rules: Rules) -> list[str]:
    """Return the cells that guard a circle whose ``leaves`` these are, in a fixed order.

    Two points within the radius always share one: each one's own leaf is among the other's.
    """
    resolution = next(res for res, limit in _GUARD_RESOLUTIONS if rules.radius_m <= limit)
    return sorted({parent(leaf, resolution) for leaf in leaves})


def is_open(document: Document) -> bool:
    """Tell whether work is still ahead of a request or under way."""
    return document["status"] in OPEN_STATUSES


@dataclass(slots=True)
class Group:
    """A master with its duplicates, oldest first."""

    master: Report
    duplicates: list[Report] = field(default_factory=list)


def find_groups(reports: Iterable[Report], rules: Rules) -> list[Group]:
    """Group one category's reports, whatever their order; groups by the age of their masters.

    Each report looks at the masters in the cells around it. What has ended or fallen out of the
    window is dropped on the way, so the cost follows the number of reports and their neighbours.
    """
    masters: defaultdict[str, list[Group]] = defaultdict(list)
    groups: list[Group] = []
    for report in sorted(reports, key=lambda report: report.order):
        leaves = report.leaves(rules)
        found: list[Group] = []
        for leaf in leaves:
            if leaf in masters:
                masters[leaf] = [g for g in masters[leaf] if _may_still(g.master, report, rules)]
                found += [g for g in masters[leaf] if fits(g.master, report, rules)]
        if found:
            min(found, key=lambda group: group.master.order).duplicates.append(report)
            continue
        groups.append(Group(report))
        masters[leaf_cell(report.lon, report.lat)].append(groups[-1])
    return [group for group in groups if group.duplicates]


def _may_still(master: Report, now: Report, rules: Rules) -> bool:
    """Tell whether what comes from ``now`` on may find this master."""
    in_time = now.created_at - master.created_at <= timedelta(hours=rules.window_hours)
    return in_time and (master.ended_at is None or master.ended_at > now.created_at)
