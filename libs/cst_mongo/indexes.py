"""Declared indexes: each repository says what it needs, ``cst db migrate`` makes it so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pymongo import IndexModel

from cst_mongo.client import Database


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A collection and its indexes."""

    name: str
    indexes: tuple[IndexModel, ...] = field(default=())


async def migrate(db: Database, specs: Iterable[CollectionSpec]) -> list[str]:
    """Create what is missing of collections and indexes; safe to run again and at the same time.

    Returns:
        The names of the collections it looked after.
    """
    names: list[str] = []
    existing = set(await db.list_collection_names())
    for spec in specs:
        if spec.name not in existing:
            await db.create_collection(spec.name, check_exists=False)
            existing.add(spec.name)
        if spec.indexes:
            await db[spec.name].create_indexes(list(spec.indexes))
        names.append(spec.name)
    return names
