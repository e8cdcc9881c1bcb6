"""Random worlds of reports, and answers about them over HTTP."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from geo_kit import Report

from cst_testkit.apps import Api

NEW_YORK = ZoneInfo("America/New_York")
#: When ``api``'s clock starts: a Tuesday noon.
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
#: The middle of Brooklyn, all land.
WEST, SOUTH, EAST, NORTH = -73.98, 40.64, -73.92, 40.69
CATEGORIES = ("pothole", "graffiti")


def instants(rng: random.Random, days: float) -> datetime:
    """Return a whole second within so many days before noon."""
    return NOON - timedelta(seconds=rng.randrange(60, int(days * 86_400)))


def random_report(rng: random.Random) -> Report:
    """Return a report of the last 100 days; two of three are resolved, two of three public."""
    created_at = instants(rng, 100)
    age = (NOON - created_at).total_seconds()
    resolved = rng.random() < 0.66
    return Report(
        point=None if rng.random() < 0.1 else (rng.uniform(WEST, EAST), rng.uniform(SOUTH, NORTH)),
        category=rng.choice(CATEGORIES),
        priority=rng.choice(("P1", "P2", "P3", "P4")),
        public=rng.choice(("exact", "exact", "area", "none")),
        created_at=created_at,
        # Many fall due around noon, in the very hour that is running.
        due_at=rng.choice(
            (
                None,
                NOON + timedelta(seconds=rng.randrange(-7200, 7200)),
                NOON + timedelta(hours=rng.randrange(-200, 200), minutes=30),
            )
        ),
        resolved_at=created_at + timedelta(seconds=rng.randrange(int(age))) if resolved else None,
    )


def reports(count: int, seed: int) -> list[Report]:
    """Return so many random reports."""
    rng = random.Random(seed)
    return [random_report(rng) for _ in range(count)]


def local_day(at: datetime) -> str:
    """Return New York's date of an instant."""
    return at.astimezone(NEW_YORK).date().isoformat()


async def answer(api: Api, path: str, *roles: str, status: int = 200, **query: Any) -> Any:
    """Ask ``/analytics/<path>``, as somebody without a token unless ``roles`` say otherwise."""
    found = await api.client.get(
        f"/analytics/{path}", params=query, headers=api.as_(*roles) if roles else {}
    )
    assert found.status_code == status, found.text
    return found.json()


def errors(problem: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the wrong fields that a problem names."""
    found: list[dict[str, Any]] = problem["errors"]
    return found
