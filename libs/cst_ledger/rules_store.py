"""Rule sets in the database: one document per version, never edited in place."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from cst_core.errors import ConfigError, Conflict
from cst_ledger.events import Document
from cst_ledger.rule_checks import RulesError
from cst_ledger.rules import RuleBook, RuleSet, parse_rules, shipped_rules
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

RULES = CollectionSpec("workflow_rules")


async def store_shipped_rules(db: Database) -> None:
    """Add the shipped versions that are missing; a version that is there stays as it is."""
    for data in shipped_rules():
        await db[RULES.name].update_one(
            {"_id": data["version"]}, {"$setOnInsert": data}, upsert=True
        )


async def store_rules(db: Database, rules: RuleSet) -> None:
    """Add a version; ``Conflict`` where it is there, whatever it says."""
    try:
        await db[RULES.name].insert_one({"_id": rules.version, **rules.document()})
    except DuplicateKeyError:
        raise Conflict(
            f"rules {rules.version} exist, and a version is never edited: store them as another",
            version=rules.version,
        ) from None


async def learn(book: RuleBook, db: Database, version: str) -> None:
    """Add a stored version that the book does not have; one that is nowhere stays unknown.

    Raises:
        ConfigError: what is stored is no rule set.
    """
    if book.knows(version):
        return
    row = await db[RULES.name].find_one({"_id": version}, {"_id": 0})
    if row is not None:
        book.add(_parsed(row))


async def learn_all(book: RuleBook, db: Database) -> None:
    """Add every stored version that the book does not have. Raises as ``learn``."""
    async for row in db[RULES.name].find({}, {"_id": 1}):
        await learn(book, db, row["_id"])


async def pinned(book: RuleBook, db: Database, version: str) -> RuleSet:
    """Return the version that a city binds its new requests to.

    Raises:
        ConfigError: it is not stored.
    """
    await learn(book, db, version)
    if not book.knows(version):
        raise ConfigError(
            f"rules_version: {version!r} of the city is not in the database: store it by "
            "POST /workflow-rules, or name another in city.yaml and run `cst city load`"
        )
    return book.version(version)


async def load_rules(db: Database) -> RuleBook:
    """Return the book of all stored versions.

    Raises:
        ConfigError: there is none, or one is no rule set.
    """
    rows = await db[RULES.name].find({}, {"_id": 0}).to_list()
    if not rows:
        raise ConfigError(f"database {db.name!r} has no workflow rules: run `cst db migrate`")
    return RuleBook(map(_parsed, rows))


def _parsed(row: Document) -> RuleSet:
    try:
        return parse_rules(row)
    except RulesError as error:
        raise ConfigError(f"workflow_rules: {error}") from None
