"""The documents of agents as dispatch writes them, each change with its number of the roster."""

from __future__ import annotations

import asyncio
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError
from shapely.geometry.base import BaseGeometry

from cst_city.catalog import Catalog
from cst_city.checks import service_area
from cst_city.roster_numbers import next_roster_number
from cst_city.store import AGENTS, CITIES, ZONES, agent_update
from cst_core.errors import Conflict, NotFound
from cst_ledger.events import Document
from cst_mongo.client import Database, Session


class RosterStore:
    """Writes agents. Sets what has changed and nothing else: the rest is others' to count."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._agents = db[AGENTS.name]

    async def found(self, agent_id: ObjectId, session: Session) -> Document:
        """Return an agent; ``NotFound`` where there is none."""
        agent = await self._agents.find_one({"_id": agent_id}, session=session)
        if agent is None:
            raise NotFound(f"no agent {agent_id}", agent_id=str(agent_id))
        return agent

    async def add(self, agent: Document, session: Session) -> Document:
        """Insert an agent and return it as stored; ``Conflict`` when the code is taken."""
        numbered = agent | {"roster_number": await next_roster_number(self._db, session)}
        try:
            await self._agents.insert_one(numbered, session=session)
        except DuplicateKeyError:
            raise Conflict(f"agent_code {agent['agent_code']!r} is taken") from None
        return numbered

    async def change(
        self, agent_id: ObjectId, fields: dict[str, Any], session: Session
    ) -> Document:
        """Set ``fields`` of an agent that there is; return it as it stands then."""
        numbered = fields | {"roster_number": await next_roster_number(self._db, session)}
        changed = await self._agents.find_one_and_update(
            {"_id": agent_id},
            agent_update(numbered),
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        assert changed is not None  # agents are never removed, and this session has seen it
        return changed

    async def is_last_team(self, agent: Document, session: Session) -> bool:
        """Tell whether an agent is the only active team of its department.

        Two teams that leave at once are no gap: each change takes a number, so they conflict.
        """
        if agent["kind"] != "team" or not agent["active"]:
            return False
        wanted = {
            "kind": "team",
            "active": True,
            "department": agent["department"],
            "_id": {"$ne": agent["_id"]},
        }
        return await self._agents.find_one(wanted, {"_id": 1}, session=session) is None


class ServiceArea:
    """The polygons of the city's service area, read again when the city was loaded anew."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._fingerprint: str | None = None
        self._polygons: list[BaseGeometry] = []

    async def of(self, catalog: Catalog) -> list[BaseGeometry]:
        """Return the polygons."""
        if self._fingerprint != catalog.fingerprint:
            city = await self._db[CITIES.name].find_one({"_id": catalog.city.name}, {"boundary": 1})
            assert city is not None  # the catalog was read from it
            zones = await self._db[ZONES.name].find({}, {"geometry": 1}).to_list()
            geometries = [zone["geometry"] for zone in zones]
            self._polygons = await asyncio.to_thread(service_area, geometries, city["boundary"])
            self._fingerprint = catalog.fingerprint
        return self._polygons
