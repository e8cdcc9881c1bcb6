"""Declared indexes: each repository says what it needs, ``cst db migrate`` makes it so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from cst_mongo.client import Database

_NAMESPACE_EXISTS = 48


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
            await _create(db, spec.name)
        if spec.indexes:
            await db[spec.name].create_indexes(list(spec.indexes))
        names.append(spec.name)
    return names


async def _create(db: Database, name: str) -> None:
    try:
        await db.create_collection(name, check_exists=False)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:  # else another process was first
            raise
