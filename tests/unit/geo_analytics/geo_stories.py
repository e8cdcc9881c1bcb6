"""Random facts, and what becomes of requests in random order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import h3
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES, STATUSES
from cst_contracts.events import Facts
from cst_geo_analytics.domain.projection import GROUPS, Row, moves, row_of

ZONE = ZoneInfo("America/New_York")
LEAVES = sorted(h3.cell_to_children(h3.latlng_to_cell(40.71, -74.0, 8), 10))[:8]
#: Sums by ``_id``, by collection.
Totals = dict[str, dict[str, dict[str, int]]]

instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0)
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Draw what an event may say of a request."""
    located = draw(st.booleans())
    created = draw(instants)
    hours = st.integers(-2, 500).map(lambda h: created + timedelta(hours=h))
    return Facts(
        category=draw(st.sampled_from(("pothole", "graffiti"))),
        zone_id=draw(st.sampled_from(("MN01", "UNKNOWN"))),
        h3=draw(st.sampled_from(LEAVES)) if located else None,
        located=located,
        priority=draw(st.sampled_from(PRIORITIES)),
        status=draw(st.sampled_from(STATUSES)),
        is_master=draw(st.booleans()),
        created_at=created,
        due_at=draw(st.none() | hours),
        resolved_at=draw(st.none() | hours),
        historic=False,
        public=draw(st.sampled_from(("exact", "area", "none"))),
        source=draw(st.sampled_from((None, "api", "Citizens Connect App", "a.$b"))),
    )


#: Events of some requests, in any interleaving: (request, facts after the event).
stories = st.lists(st.tuples(st.sampled_from("ABC"), facts()), max_size=25)


def add(totals: Totals, name: str, changes: Mapping[str, Mapping[str, int]]) -> None:
    """Add to the sums of a group."""
    group = totals.setdefault(name, {})
    for key, sums in changes.items():
        for field, value in sums.items():
            group.setdefault(key, {})[field] = group.get(key, {}).get(field, 0) + value


def left(totals: Totals) -> Totals:
    """Return what is not zero, for every group."""
    found: Totals = {name: {} for name in GROUPS}
    for name, group in totals.items():
        for key, sums in group.items():
            if kept := {field: value for field, value in sums.items() if value}:
                found[name][key] = kept
    return found


def moved(story: list[tuple[str, Facts]], batch: int) -> tuple[dict[str, Row], Totals]:
    """Apply a story in batches, as the consumer does; return rows and sums."""
    rows: dict[str, Row] = {}
    totals: Totals = {}
    for start in range(0, len(story), batch):
        replaced = []
        for seq, (request, fact) in enumerate(story[start : start + batch], start):
            row = row_of(fact, seq, ZONE)
            replaced.append((rows.get(request), row))
            rows[request] = row
        for name, changes in moves(replaced).items():
            add(totals, name, {key: change.sums for key, change in changes.items()})
    return rows, left(totals)
