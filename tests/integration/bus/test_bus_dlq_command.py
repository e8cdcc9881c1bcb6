"""``cst dlq`` as operators type it, over what the geo consumer could not handle."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.structs import ConsumerRecord
from bus_kit import consuming, dead_letters, ending_soon, lengthen, own_topics, publish

from app.registry import WORKERS
from cst_bus.producer import make_producer
from cst_bus.topics_admin import physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_ledger.events import Document
from cst_ledger.ledger import LOGS
from cst_ledger.reader import events_of
from cst_mongo.client import Database
from cst_process.core import Core
from cst_process.worker import Subscription
from cst_relay.domain.request_records import dead_letter
from cst_stack import Endpoints
from cst_stack.ports import free_port
from cst_testkit.apps import Api
from cst_testkit.commands import environ_of, run_cst, start_cst
from cst_testkit.consumers import tell
from cst_testkit.records import consumer_record, record_of
from cst_testkit.waiting import wait_until

pytestmark = pytest.mark.slow

GEO = "geo.projections"
POINTS = "geo_points"
_numbers = itertools.count(1)


@dataclass
class World:
    """A database, topics of a test's own, the geo consumer, and the command."""

    core: Core
    stack: Endpoints
    prefix: str
    folder: Path

    @property
    def db(self) -> Database:
        return self.core.db

    @property
    def geo(self) -> Subscription:
        return WORKERS["geo"].build(self.core).subscriptions[0]

    async def cst(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """Run ``cst dlq …``; return (exit code, output, complaints)."""
        return await run_cst(self._environ | environ, self.folder, "dlq", *arguments)

    async def start(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        return await start_cst(self._environ | environ, self.folder, "dlq", *arguments)

    @property
    def _environ(self) -> dict[str, str]:
        settings = environ_of(self.stack, self.db.name, self.folder)
        return settings | {"CST_TOPIC_PREFIX": self.prefix}

    async def listed(self, *arguments: str) -> list[dict[str, Any]]:
        code, out, complaints = await self.cst("list", "--json", *arguments)
        assert (code, complaints) == (0, "")
        return [orjson.loads(line) for line in out.splitlines()]

    async def events(self, request_id: str) -> list[Document]:
        request = await self.db["service_requests"].find_one({"request_id": request_id})
        assert request is not None
        return await events_of(self.db, request["_id"])

    async def set_zone(self, request_id: str, seq: int, zone_id: str | None) -> None:
        """Let a stored event name another zone; it must name one."""
        await self.db[LOGS.name].update_one(
            {"event_stream.subject": request_id},
            {"$set": {f"event_stream.{seq}.facts.zone_id": zone_id}},
        )

    async def fed(self, records: Sequence[ConsumerRecord[bytes, bytes]], *, dead: int) -> None:
        """Let the geo consumer handle records until so many dead letters are there in all."""

        async def all_dead() -> bool:
            return len(await dead_letters(self.stack, self.prefix)) == dead

        sub = self.geo
        async with consuming(self.stack, self.db, self.prefix, sub.handler, sub.marks):
            await publish(self.stack, self.prefix, records)
            await wait_until(all_dead, 60, f"{dead} dead letters")


@pytest.fixture
async def world(api: Api, stack: Endpoints, tmp_path: Path) -> World:
    prefix = await own_topics(stack)
    for name in (POINTS, "dead_letter_notes"):
        await api.core.db[name].delete_many({})
    return World(api.core, stack, prefix, tmp_path)


async def poisoned(world: World, seq: int = 1, dead: int = 2) -> str:
    """Let the geo consumer park a request at an event without a zone; return the request's id."""
    request_id = f"CST-2026-{next(_numbers):04d}"
    await tell(world.db, request_id)
    await world.set_zone(request_id, seq, None)
    await world.fed([record_of(event) for event in await world.events(request_id)], dead=dead)
    return request_id


async def row_of(world: World, request_id: str) -> Document:
    row = await world.db[POINTS].find_one({"_id": request_id})
    assert row is not None
    return row


async def test_a_parked_request_is_listed_shown_and_retried(world: World) -> None:
    request_id = await poisoned(world)
    pair = f"{GEO}/{request_id}"
    (listed,) = await world.listed()
    assert listed["id"] == pair
    assert (listed["state"], listed["failed_seq"], listed["waiting"]) == ("parked", 1, 2)
    assert "facts.zone_id" in listed["error"]
    code, out, _ = await world.cst("list")
    assert (code, len(out.splitlines())) == (0, 1)
    assert out.startswith(f"{pair}\tparked since ")
    code, out, _ = await world.cst("show", pair)
    shown = orjson.loads(out)
    assert code == 0
    assert [(event["seq"], event["type"]) for event in shown["events"]] == [
        (1, "triaged"),
        (2, "assigned"),
    ]
    record = shown["records"][0]
    assert record["headers"]["cst_dlq_consumer"] == GEO
    assert record["headers"]["ce_subject"] == request_id
    assert record["body"]["data"]["facts"]["zone_id"] is None
    assert record["source"].startswith(physical(REQUEST_EVENTS.name, world.prefix) + "/")
    code, out, complaints = await world.cst("retry", pair)
    assert (code, out, len(complaints.splitlines())) == (1, "", 1)
    assert f"{pair}: event 1 of {request_id} fails again, it stays parked" in complaints
    await world.set_zone(request_id, 1, "MN01")
    assert await world.cst("retry", record["id"]) == (
        0,
        f"{pair}: 2 events handled, no longer parked\n",
        "",
    )
    assert (await row_of(world, request_id))["seq"] == 2
    assert await world.listed() == []
    assert {row["state"] for row in await world.listed("--all")} == {"settled"}
    code, _, complaints = await world.cst("retry", pair)
    assert (code, complaints) == (
        1,
        f"cst: {pair} is not parked; `cst dlq list` shows what is\n",
    )


async def test_retry_of_all_goes_on_past_what_fails_again(world: World) -> None:
    first, second = await poisoned(world), await poisoned(world, dead=4)
    await world.set_zone(first, 1, "MN01")
    code, out, complaints = await world.cst("retry", "--consumer", GEO)
    assert code == 1
    assert out == f"{GEO}/{first}: 2 events handled, no longer parked\n"
    assert complaints.startswith(f"{GEO}/{second}: event 1 of {second} fails again")
    await world.set_zone(second, 1, "MN01")
    assert (await world.cst("retry", "--all"))[0] == 0
    assert await world.listed() == []


async def test_discard_skips_the_poison_event_and_says_who_did_it_and_why(world: World) -> None:
    request_id = await poisoned(world, 2, dead=1)
    pair = f"{GEO}/{request_id}"
    code, out, _ = await world.cst("discard", pair, "--reason", "a test's")
    assert (code, out) == (0, f"{pair}: event 2 skipped, 0 events handled, no longer parked\n")
    row = await row_of(world, request_id)
    assert (row["seq"], row["skipped"], row["parked"]) == (1, 2, False)
    assert await world.listed() == []
    (note,) = [row for row in await world.listed("--all") if row["state"] == "discarded"]
    assert (note["id"], note["discarded"]["reason"]) == (f"{pair}@2", "a test's")
    assert note["discarded"]["by"]


async def test_a_record_that_belongs_to_nobody_is_only_discarded(world: World) -> None:
    await world.fed([consumer_record(None, b"\xff\x00garbage")], dead=1)
    (listed,) = await world.listed()
    assert (listed["state"], listed["consumer"], listed["request_id"]) == ("open", GEO, None)
    record = listed["id"]
    shown = orjson.loads((await world.cst("show", record))[1])
    assert shown["body"] == {"base64": "/wBnYXJiYWdl"}
    assert shown["headers"]["cst_dlq_offset"].isdigit()
    code, _, complaints = await world.cst("retry", record)
    assert (code, complaints) == (
        1,
        f"cst: {record}: no request waits for it, so it can only be discarded\n",
    )
    for _ in range(2):
        assert await world.cst("discard", record) == (0, f"{record}: discarded\n", "")
    assert await world.listed() == []
    assert [row["state"] for row in await world.listed("--all")] == ["discarded"]


async def test_what_the_relay_could_not_publish_is_sent_again_by_a_rebuild(world: World) -> None:
    topic = physical(REQUEST_EVENTS.name, world.prefix)
    made = dead_letter({}, "KeyError: 'subject'", feed="f", source="logs/1", topic=topic)
    producer = make_producer(world.stack.kafka_bootstrap_servers, idempotent=False)
    await producer.start()
    await producer.send_and_wait(
        f"{topic}.dlq", key=made.key, value=made.value, headers=list(made.headers)
    )
    await producer.stop()
    (listed,) = await world.listed()
    assert (listed["consumer"], listed["source"]) == ("relay:f", "logs/1")
    code, _, complaints = await world.cst("retry", listed["id"])
    assert code == 1
    assert "once logs/1 is corrected, `cst relay rebuild` sends it again" in complaints


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry", "nobody/CST-2026-0001"], "'nobody' is not a consumer; allowed: dispatch.assign"),
        (["list", "--consumer", "nobody"], "'nobody' is not a consumer; allowed: dispatch.assign"),
        (["show", f"{GEO}/CST-2026-9999"], f"{GEO}/CST-2026-9999 is not parked; `cst dlq list`"),
        (["show", "topic/0/99"], "topic/0/99 is not in a dead-letter topic"),
        (["discard", "topic/0/x"], "'topic/0/x' is not an ID; it must be consumer/request_id"),
        (["retry"], "give one of: an ID, --consumer NAME, --all"),
        (["retry", f"{GEO}/CST-2026-0001", "--all"], "give one of: an ID"),
    ],
)
async def test_what_is_typed_wrong_is_one_line(
    world: World, arguments: list[str], said: str
) -> None:
    code, out, complaints = await world.cst(*arguments)
    assert (code, out, complaints.count("\n")) == (1, "", 1)
    assert complaints.startswith(f"cst: {said}")


async def test_parked_requests_are_listed_while_the_broker_is_gone(world: World) -> None:
    request_id = await poisoned(world)
    nowhere = f"127.0.0.1:{free_port()}"
    code, out, complaints = await world.cst("list", KAFKA_BOOTSTRAP_SERVERS=nowhere)
    assert code == 1
    assert out.startswith(f"{GEO}/{request_id}\tparked since")
    assert "records of the dead-letter topics are missing here" in complaints


async def test_a_retry_that_is_killed_goes_on_where_it_was(world: World) -> None:
    request_id = await poisoned(world)
    await world.set_zone(request_id, 1, "MN01")
    last = await lengthen(world.db, request_id, buckets=40)
    async with ending_soon(world.db):
        process = await world.start("retry", f"{GEO}/{request_id}")

        async def in_the_middle() -> bool:
            return int((await row_of(world, request_id))["seq"]) > 100

        await wait_until(in_the_middle, 60, "the first transactions of the retry")
        process.kill()
        assert await process.wait() == -9
        row = await row_of(world, request_id)
        assert row["parked"]
        assert 100 < row["seq"] < last
        code, out, _ = await world.cst("retry", f"{GEO}/{request_id}")
    assert code == 0
    assert out.endswith(" events handled, no longer parked\n")
    row = await row_of(world, request_id)
    assert (row["seq"], row["parked"]) == (last, False)
