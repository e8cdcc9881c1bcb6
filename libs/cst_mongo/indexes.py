"""Declared indexes: each repository says what it needs, ``cst db migrate`` makes it so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from cst_mongo.client import Database

_NAMESPACE_EXISTS = 48
_IMAGES = "changeStreamPreAndPostImages"


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A collection and its indexes.

    With ``post_images`` the server keeps each change's document as it was before and after it, for
    change streams that ask. They lie in ``config.system.preimages`` as long as the oplog reaches
    back, or for the cluster parameter ``changeStreamOptions.preAndPostImages.expireAfterSeconds``.
    """

    name: str
    indexes: tuple[IndexModel, ...] = field(default=())
    post_images: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Options of the collection, as ``create`` and ``collMod`` take them."""
        return {_IMAGES: {"enabled": True}} if self.post_images else {}


async def migrate(db: Database, specs: Iterable[CollectionSpec]) -> list[str]:
    """Create what is missing of collections, their options and indexes.

    Safe to run again and at the same time.

    Returns:
        The names of the collections it looked after.
    """
    names: list[str] = []
    existing = {found["name"]: found["options"] async for found in await db.list_collections()}
    for spec in specs:
        if spec.name not in existing:
            existing[spec.name] = await _create(db, spec)
        if not spec.options.items() <= existing[spec.name].items():
            await db.command("collMod", spec.name, **spec.options)
        if spec.indexes:
            await db[spec.name].create_indexes(list(spec.indexes))
        names.append(spec.name)
    return names


async def _create(db: Database, spec: CollectionSpec) -> dict[str, Any]:
    """Create a collection unless another process was first; return the options it has for sure."""
    try:
        await db.create_collection(spec.name, check_exists=False, **spec.options)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        return {}
    return spec.options
