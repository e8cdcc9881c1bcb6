"""Migration: safe to repeat, safe at the same time, and every index of the specification."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.collections import COLLECTIONS
from app.system import migrate_database
from cst_mongo.client import Database
from cst_testkit.databases import fresh_database


async def indexes(db: Database) -> dict[str, dict[str, Any]]:
    """Return every collection's indexes by name."""
    return {
        name: dict(await db[name].index_information()) for name in await db.list_collection_names()
    }


async def test_migrating_again_changes_nothing(mongo_uri: str) -> None:
    async with fresh_database(mongo_uri, []) as db:
        names = await migrate_database(db)
        before, rules = await indexes(db), await db["workflow_rules"].find().to_list()
        assert await migrate_database(db) == names
        assert await indexes(db) == before
        assert await db["workflow_rules"].find().to_list() == rules


async def test_processes_that_start_together_may_all_migrate(mongo_uri: str) -> None:
    async with fresh_database(mongo_uri, []) as db:
        await asyncio.gather(*(migrate_database(db) for _ in range(8)))
        assert set(await indexes(db)) == {spec.name for spec in COLLECTIONS}


async def test_an_edited_rule_set_is_left_as_it_is(mongo_uri: str) -> None:
    async with fresh_database(mongo_uri) as db:
        await db["workflow_rules"].update_one({"_id": "v1.0"}, {"$set": {"edges": []}})
        await migrate_database(db)
        row = await db["workflow_rules"].find_one({"_id": "v1.0"})
        assert row is not None
        assert row["edges"] == []


def test_no_collection_is_declared_twice() -> None:
    names = [spec.name for spec in COLLECTIONS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "name",
    ["service_requests", "citizens", "service_agents", "performance_logs", "geo_feeds"],
)
async def test_the_five_collections_of_the_specification_exist(db: Database, name: str) -> None:
    assert name in await db.list_collection_names()


@pytest.mark.parametrize(
    "path",
    [
        "status",
        "priority",
        "category",
        "location.zone_id",
        "timestamps.created_at",
        "timestamps.updated_at",
        "duplicates.master_request_id",
        "duplicates.is_master",
    ],
)
async def test_a_query_index_of_the_specification_exists(db: Database, path: str) -> None:
    found = await db["service_requests"].index_information()
    assert path in {index["key"][0][0] for index in found.values()}


async def test_the_request_id_is_unique(db: Database) -> None:
    found = await db["service_requests"].index_information()
    unique = [index["key"] for index in found.values() if index.get("unique")]
    assert [("request_id", 1)] in unique


async def test_the_location_is_indexed_on_the_sphere(db: Database) -> None:
    found = await db["service_requests"].index_information()
    assert [("location", "2dsphere")] in [index["key"] for index in found.values()]


async def _keeps_images(db: Database, name: str) -> bool:
    (found,) = [row async for row in await db.list_collections(filter={"name": name})]
    images = found["options"].get("changeStreamPreAndPostImages", {})
    return bool(images.get("enabled"))


async def test_only_collections_whose_images_are_read_keep_them(db: Database) -> None:
    kept = [spec.name for spec in COLLECTIONS if await _keeps_images(db, spec.name)]
    assert kept == ["service_requests"]


async def test_a_collection_from_before_gets_its_images(mongo_uri: str) -> None:
    async with fresh_database(mongo_uri, []) as db:
        await db.create_collection("service_requests")
        assert not await _keeps_images(db, "service_requests")
        await migrate_database(db)
        assert await _keeps_images(db, "service_requests")
