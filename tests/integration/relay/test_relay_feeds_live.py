"""The other feeds: exact states, tombstones, map feeds, and what outsiders get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from bson import ObjectId
from relay_world import FEED, Records, View, World, deferred, relaying, viewing

from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.states import AgentState, GeoFeedState, RequestState
from cst_contracts.topics import TOPICS
from cst_core.clock import wall_now
from cst_ledger.ledger import REQUESTS
from cst_mongo.transactions import transact
from cst_relay.agent_state import AgentStates
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.feed import Feed
from cst_relay.geo_feeds import GeoFeeds
from cst_relay.public_events import PublicEvents
from cst_relay.request_state import RequestStates
from cst_stack.ports import free_port
from cst_testkit.factories import created_event
from cst_testkit.waiting import wait_until

FIRST, SECOND = "CST-2026-0001", "CST-2026-0002"
AGENT: dict[str, Any] = {
    "agent_code": "DOT-1",
    "kind": "person",
    "name": "Somebody",
    "department": "DOT",
    "skills": ["pothole"],
    "coverage": {"zone_ids": ["MN01"], "geo_fence": None},
    "schedule": {"timezone": "America/New_York", "shifts": [], "on_call": False},
    "contacts": {"phone": "555-0100"},
    "active": True,
    "capacity": 3,
    "open_assignments": 0,
    "last_assigned_at": None,
}


@asynccontextmanager
async def _relaying(world: World, feed: Feed, **environ: Any) -> AsyncIterator[None]:
    """Relay ``feed`` too during the block, which begins once its change stream is open."""

    async def begun() -> bool:
        found = await world.db[CHECKPOINTS.name].find_one({"_id": feed.name}) or {}
        return found.get("token") is not None and found["rebuild"] is None

    async with relaying(world, CST_RELAY_FEEDS=f"{FEED},{feed.name}", **environ):
        await wait_until(begun, 20, f"the first checkpoint of {feed.name}")
        yield


@asynccontextmanager
async def _following(world: World, feed: Feed, **environ: Any) -> AsyncIterator[View]:
    """Relay ``feed`` and watch its topic."""
    topic = physical(feed.topic.name, world.environ["CST_TOPIC_PREFIX"])
    async with (
        _relaying(world, feed, **environ),
        viewing(world.endpoints, topic, feed.topic.partitions) as view,
    ):
        yield view


def _states(records: Records) -> list[tuple[str, int]]:
    bodies = [RequestState.model_validate_json(record.value or b"") for record in records]
    return [(body.request_id, body.seq) for body in bodies]


def _values(records: Records, key: str) -> list[Any]:
    return [orjson.loads(r.value) if r.value else None for r in records if r.key == key.encode()]


async def test_every_change_is_its_exact_state_though_it_is_read_late(world: World) -> None:
    feed = RequestStates()
    async with _relaying(world, feed):
        assert await world.checkpoint()
    await world.create(FIRST, SECOND)
    await world.append(FIRST, times=20)
    async with _following(world, feed) as view:
        await view.until(lambda records: len(records) >= 22, 20, "a state for each change")
    assert [seq for key, seq in _states(view.records) if key == FIRST] == list(range(21))
    assert [seq for key, seq in _states(view.records) if key == SECOND] == [0]
    stored = await world.db[REQUESTS.name].find_one({"request_id": FIRST})
    assert stored is not None
    newest = _values(view.records, FIRST)[-1]
    assert newest["version"] == stored["version"]
    assert newest["location"]["coordinates"] == stored["location"]["coordinates"]
    assert all(b"large pothole" not in (record.value or b"") for record in view.records)
    assert all(b"Main St" not in (record.value or b"") for record in view.records)


async def test_a_deleted_request_is_a_tombstone(world: World) -> None:
    async with _following(world, RequestStates()) as view:
        await world.create(FIRST, SECOND)
        await world.db[REQUESTS.name].delete_one({"request_id": FIRST})
        await view.until(lambda records: len(records) >= 3, 20, "the tombstone")
    assert [value is None for value in _values(view.records, FIRST)] == [False, True]
    assert [value is None for value in _values(view.records, SECOND)] == [False]


async def _images_lost(port: int, feed: Feed) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    line = f'cst_relay_images_lost_total{{feed="{feed.name}"}} '
    return float(text.partition(line)[2].split()[0])


async def test_where_an_image_has_expired_the_current_document_is_sent_and_counted(
    world: World,
) -> None:
    feed, port = RequestStates(), free_port()
    images = {"changeStreamPreAndPostImages": {"enabled": False}}
    await world.create(FIRST, SECOND)
    async with _relaying(world, feed):
        assert await world.checkpoint()
    await world.db.command("collMod", REQUESTS.name, **images)
    await world.append(FIRST, times=3)
    await world.db[REQUESTS.name].delete_one({"request_id": SECOND})
    async with _following(world, feed, CST_RELAY_PORT=port) as view:
        await view.until(lambda records: len(records) >= 5, 20, "the current state, three times")
        await wait_until(lambda: _lost(port, feed, 4), 10, "the alarm")
    assert [seq for key, seq in _states(view.records) if key == FIRST] == [0, 3, 3, 3]
    assert len(_values(view.records, SECOND)) == 1


async def _lost(port: int, feed: Feed, count: int) -> bool:
    return await _images_lost(port, feed) == count


async def test_what_is_malformed_is_a_dead_letter_and_the_rest_goes_on(world: World) -> None:
    feed = RequestStates()
    dlq = physical(feed.topic.dlq, world.environ["CST_TOPIC_PREFIX"])
    async with _following(world, feed) as view:
        oid = ObjectId()
        await world.db[REQUESTS.name].insert_one({"_id": oid, "request_id": 7, "text": "my phone"})
        await world.create(FIRST)
        await view.until(lambda records: len(records) >= 1, 20, "the request after it")
        async with viewing(world.endpoints, dlq, partitions=1) as dead:
            await dead.until(lambda records: len(records) >= 1, 20, "the dead letter")
    assert [record.key for record in view.records] == [FIRST.encode()]
    (record,) = dead.records
    assert record.key == b"7"
    assert b"my phone" not in (record.value or b"")
    assert dict(record.headers)["cst_dlq_source"] == f"service_requests/{oid}".encode()


async def test_a_rebuild_of_states_sends_what_was_written_since(world: World) -> None:
    await world.create(FIRST, SECOND)
    await world.append(FIRST)
    long_ago = {"$set": {"updated_at": datetime(2020, 1, 1, tzinfo=UTC)}}
    second = await world.db[REQUESTS.name].find_one({"request_id": SECOND})
    assert second is not None
    await world.db.performance_logs.update_one({"request_id": second["_id"]}, long_ago)
    collection, feed = world.db[REQUESTS.name], RequestStates()

    async def sent(since: datetime | None) -> list[str]:
        found = [feed.read_document(d).records async for d in feed.documents(collection, since)]
        assert not any(record.dead for (record,) in found)
        return sorted(record.key.decode() for (record,) in found)

    assert await sent(None) == [FIRST, SECOND]
    assert await sent(wall_now() - timedelta(hours=1)) == [FIRST]
    assert await sent(wall_now() + timedelta(hours=1)) == []


async def test_agents_are_sent_without_name_and_contacts_and_go_with_a_tombstone(
    world: World,
) -> None:
    agents = world.db["service_agents"]
    async with _following(world, AgentStates()) as view:
        oid = (await agents.insert_one(dict(AGENT))).inserted_id
        await view.until(lambda records: len(records) >= 1, 20, "the new agent")
        await agents.update_one({"_id": oid}, {"$inc": {"open_assignments": 1}})
        await view.until(lambda records: len(records) >= 2, 20, "its reservation")
        await agents.delete_one({"_id": oid})
        await view.until(lambda records: len(records) >= 3, 20, "the tombstone")
    first, second, gone = _values(view.records, str(oid))
    assert gone is None
    assert (first["open_assignments"], second["open_assignments"]) == (0, 1)
    assert AgentState.model_validate(second).id == str(oid)
    assert not {"name", "contacts"} & set(second)


async def test_a_snapshot_is_sent_without_its_map_and_what_is_cached_is_not(world: World) -> None:
    feeds = world.db["geo_feeds"]
    shown = {
        "generated_at": wall_now(),
        "filters": {"resolution": 8},
        "geojson": {"type": "FeatureCollection", "features": [{"x": "y" * 100_000}]},
        "aggregation": {"method": "h3", "weight_formula": "count", "tile_hint": "h3:8"},
    }
    cached = shown | {"feed_name": "heatmap-public-1", "expires_at": wall_now()}
    await feeds.insert_one(shown | {"feed": "potholes", "feed_name": "potholes@1", "etag": "a"})
    async with _following(world, GeoFeeds()) as view:
        for etag in ("b", "c"):
            name = {"feed_name": cached["feed_name"]}
            await feeds.replace_one(name, cached | {"etag": etag}, upsert=True)
        await feeds.delete_many({})
        await feeds.insert_one(cached | {"etag": "d"})
        await feeds.insert_one(shown | {"feed": "potholes", "feed_name": "potholes@2", "etag": "e"})
        await view.until(lambda records: len(records) >= 2, 20, "the snapshots")
    told = [GeoFeedState.model_validate_json(record.value or b"") for record in view.records]
    assert [(state.feed_name, state.etag) for state in told] == [
        ("potholes@1", "a"),
        ("potholes@2", "e"),
    ]
    assert all(len(record.value or b"") < 1000 for record in view.records)
    assert {record.key for record in view.records} == {b"potholes@1", b"potholes@2"}
    assert all(state.expires_at.year == 9999 for state in told)


async def test_outsiders_get_public_events_of_public_requests_alone(world: World) -> None:
    hidden = created_event(public="area")
    async with _following(world, PublicEvents("new-york")) as view:
        await transact(world.db, lambda s: world.intake.create(SECOND, hidden, s))
        await world.db.performance_logs.insert_one(
            {"request_id": "x", "bucket": 0, "event_stream": [{"text": "my phone"}], "last_seq": 0}
        )
        await world.create(FIRST)
        await world.ledger.record(FIRST, lambda _: [deferred(1), deferred(2)])
        await world.create("CST-2026-0003")
        await view.until(lambda records: len(records) >= 2, 20, "the public events")
    (first,) = _values(view.records, FIRST)
    assert (first["type"], first["seq"]) == ("cst.public.request.created", 0)
    assert {record.key for record in view.records} == {FIRST.encode(), b"CST-2026-0003"}
    assert all(b"my phone" not in (record.value or b"") for record in view.records)


async def _broker_topics(world: World, prefix: str) -> list[str]:
    bootstrap = world.endpoints.kafka_bootstrap_servers
    volatile = world.endpoints.broker == "tansu"
    return await ensure_topics(bootstrap, TOPICS, prefix=prefix, volatile=volatile)


async def test_every_topic_is_created_compacted_ones_too_and_no_dead_letters_for_outsiders(
    world: World,
) -> None:
    prefix = f"{world.db.name}.all."
    created = await _broker_topics(world, prefix)
    assert sorted(created) == sorted(prefix + name for topic in TOPICS for name in topic.names)
    assert f"{prefix}cst.request.public.v1.dlq" not in created
    assert await _broker_topics(world, prefix) == []


@pytest.mark.parametrize("feed", [RequestStates(), AgentStates()], ids=lambda feed: feed.name)
async def test_what_was_there_before_the_relay_is_sent_first(world: World, feed: Feed) -> None:
    await world.create(FIRST)
    await world.db["service_agents"].insert_one(dict(AGENT))
    async with _following(world, feed) as view:
        await view.until(lambda records: len(records) >= 1, 20, "the first state")
    (record,) = view.records
    assert record.value is not None
