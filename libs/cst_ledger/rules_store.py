"""Rule sets in the database: one document per version, never edited in place."""

from __future__ import annotations

from cst_core.errors import ConfigError
from cst_ledger.rules import RuleBook, parse_rules, shipped_rules
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

RULES = CollectionSpec("workflow_rules")


async def store_shipped_rules(db: Database) -> None:
    """Add the shipped versions that are missing; a version that is there stays as it is."""
    for data in shipped_rules():
        await db[RULES.name].update_one(
            {"_id": data["version"]}, {"$setOnInsert": data}, upsert=True
        )


async def learn(book: RuleBook, db: Database, version: str) -> None:
    """Add a stored version that the book does not have; one that is nowhere stays unknown."""
    if book.knows(version):
        return
    row = await db[RULES.name].find_one({"_id": version}, {"_id": 0})
    if row is not None:
        book.add(parse_rules(row))


async def load_rules(db: Database) -> RuleBook:
    """Return the book of all stored versions; ``ConfigError`` where there is none."""
    rows = await db[RULES.name].find({}, {"_id": 0}).to_list()
    if not rows:
        raise ConfigError(f"database {db.name!r} has no workflow rules: run `cst db migrate`")
    return RuleBook(parse_rules(row) for row in rows)
