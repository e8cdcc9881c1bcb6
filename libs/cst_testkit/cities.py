"""Cities for tests: parsed once a session."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cst_city.loader import City, load_city
from cst_city.store import store_city
from cst_core.clock import Clock
from cst_mongo.client import Database

CITIES = Path(__file__).resolve().parents[2] / "infra" / "cities"


@cache
def new_york() -> City:
    """Return the city that CST ships as its default."""
    return load_city(CITIES / "new-york")


async def load_new_york(db: Database) -> None:
    """Store New York in a migrated database."""
    await store_city(db, new_york(), Clock())
