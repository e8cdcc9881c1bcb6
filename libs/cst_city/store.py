"""A city in the database: written whole by ``cst city load``, read by every process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from cst_city.loader import City
from cst_city.roster_numbers import next_roster_number
from cst_core.clock import Clock
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.transactions import transact

CITIES = CollectionSpec("cities")
ZONES = CollectionSpec("zones")
CATEGORIES = CollectionSpec("categories")
POLICIES = CollectionSpec("sla_policies")
POLICY_VERSIONS = CollectionSpec("sla_policy_versions")
AGENTS = CollectionSpec(
    "service_agents",
    (
        IndexModel([("agent_code", ASCENDING)], unique=True),
        IndexModel([("active", ASCENDING), ("kind", ASCENDING), ("skills", ASCENDING)]),
        IndexModel([("roster_number", ASCENDING)]),
        # The least loaded with a skill.
        IndexModel(
            [
                ("skills", ASCENDING),
                ("load_share", ASCENDING),
                ("last_assigned_at", ASCENDING),
                ("agent_code", ASCENDING),
            ]
        ),
    ),
)
#: The occupied part of a person's capacity; null for teams, which have none.
LOAD_SHARE = {
    "$cond": [{"$gt": ["$capacity", 0]}, {"$divide": ["$open_assignments", "$capacity"]}, None]
}
SPECS = (CITIES, ZONES, CATEGORIES, POLICIES, POLICY_VERSIONS, AGENTS)


async def store_city(db: Database, city: City, clock: Clock) -> bool:
    """Write ``city`` in one transaction; what the file no longer has is gone, agents excepted.

    Agents are added or updated by their code and never removed: requests refer to them.

    Returns:
        False when the very same city was stored already, so nothing was written.
    """

    async def write(session: Session) -> bool:
        known = await db[CITIES.name].find_one({"_id": city.spec.name}, session=session)
        if known is not None and known["fingerprint"] == city.fingerprint:
            return False
        row = {
            "_id": city.spec.name,
            "fingerprint": city.fingerprint,
            "spec": city.spec.model_dump(mode="json"),
            "boundary": city.boundary,
            "policies_version": await _policies_version(db, city, clock, session),
        }
        await db[CITIES.name].replace_one({"_id": row["_id"]}, row, upsert=True, session=session)
        await _replace(db, ZONES.name, _zone_rows(city), session)
        await _replace(db, CATEGORIES.name, _rows(city.categories, "code"), session)
        await _replace(db, POLICIES.name, _rows(city.policies, "policy_id"), session)
        await _store_agents(db, city, clock, session)
        return True

    return await transact(db, write)


async def _policies_version(db: Database, city: City, clock: Clock, session: Session) -> int:
    """Return the number of the city's promises; what has changed gets the next, kept for good."""
    versions = db[POLICY_VERSIONS.name]
    latest = await versions.find_one({"city": city.spec.name}, sort=[("_id", -1)], session=session)
    if latest is not None and latest["promises"] == city.promises:
        return int(latest["_id"])
    newest = await versions.find_one({}, {"_id": 1}, sort=[("_id", -1)], session=session)
    number = 1 if newest is None else newest["_id"] + 1
    row = {
        "_id": number,
        "city": city.spec.name,
        "stored_at": clock.now(),
        "promises": city.promises,
    }
    await versions.insert_one(row, session=session)
    return int(number)


def _zone_rows(city: City) -> list[dict[str, Any]]:
    return [{"_id": z.zone_id, "name": z.name, "geometry": z.geometry} for z in city.zones]


def _rows(items: tuple[Any, ...], key: str) -> list[dict[str, Any]]:
    # `order` keeps the declared order, which decides between equally specific policies.
    dumped = (item.model_dump() for item in items)
    return [{"_id": row[key], "order": order, **row} for order, row in enumerate(dumped)]


async def _replace(
    db: Database, collection: str, rows: list[dict[str, Any]], session: Session
) -> None:
    await db[collection].delete_many({}, session=session)
    if rows:
        await db[collection].insert_many(rows, session=session)


async def _store_agents(db: Database, city: City, clock: Clock, session: Session) -> None:
    if not city.agents:
        return
    number = await next_roster_number(db, session)
    fresh = new_agent_fields(clock)
    updates = [
        UpdateOne(
            {"agent_code": agent.agent_code},
            [
                {"$set": {name: {"$ifNull": [f"${name}", value]} for name, value in fresh.items()}},
                *agent_update(agent.model_dump(mode="json") | {"roster_number": number}),
            ],
            upsert=True,
        )
        for agent in city.agents
    ]
    await db[AGENTS.name].bulk_write(updates, ordered=False, session=session)


def new_agent_fields(clock: Clock) -> dict[str, Any]:
    """Return what an agent has from its first day that nobody declares."""
    return {
        "created_at": clock.now(),
        "open_assignments": 0,
        "last_assigned_at": None,
        "position": None,
        "leave": [],
    }


def agent_update(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the update that sets ``fields`` of an agent, and by them its ``load_share``."""
    # As literals: a text may begin with `$`, and a document replaces the one that was there.
    values = {name: {"$literal": value} for name, value in fields.items()}
    return [{"$set": values}, {"$set": {"load_share": LOAD_SHARE}}]
