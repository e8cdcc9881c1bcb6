"""What Kafka holds is what the ledger holds, although the relay was killed on the way."""

from __future__ import annotations

import json
import time
from collections import defaultdict

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from boston_csv import TIMEOUT
from boston_run import BostonRun

pytestmark = [pytest.mark.data, pytest.mark.kafka, pytest.mark.timeout(TIMEOUT)]

TOPIC = "cst.request.events.v1"
PARTITIONS = 6

Published = list[tuple[str, int, str]]


async def _ledger(run: BostonRun) -> dict[str, list[str]]:
    """Return the ids of each request's events, in ``seq`` order."""
    fields = {"event_stream.subject": 1, "event_stream.event_id": 1}
    cursor = run.db["performance_logs"].find({}, fields).sort("bucket", 1)
    events: defaultdict[str, list[str]] = defaultdict(list)
    async for log in cursor:
        for event in log["event_stream"]:
            events[event["subject"]].append(event["event_id"])
    return dict(events)


async def _published(run: BostonRun, expected: int) -> Published:
    """Read the topic until it has given ``expected`` different events, or for a minute nothing."""
    consumer = AIOKafkaConsumer(bootstrap_servers=run.kafka, auto_offset_reset="earliest")
    found: Published = []
    await consumer.start()
    try:
        partitions = [TopicPartition(run.topic_prefix + TOPIC, n) for n in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        different, deadline = set[tuple[str, int]](), time.monotonic() + 60
        while len(different) < expected and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    event = json.loads(record.value)
                    assert record.key.decode() == event["subject"]
                    found.append((event["subject"], event["seq"], event["id"]))
                    different.add((event["subject"], event["seq"]))
                    deadline = time.monotonic() + 60
    finally:
        await consumer.stop()
    return found


async def test_kafka_has_every_event_in_order(boston: BostonRun) -> None:
    ledger = await _ledger(boston)
    expected = sum(map(len, ledger.values()))
    published = await _published(boston, expected)
    received: defaultdict[str, list[str]] = defaultdict(list)
    for subject, seq, event_id in published:
        have = received[subject]
        assert seq <= len(have), f"{subject}: seq {seq} came after {len(have)} events"
        if seq == len(have):
            have.append(event_id)
        else:
            assert have[seq] == event_id, f"{subject}: seq {seq} came with two ids"
    assert dict(received) == ledger


async def test_the_relay_was_killed_in_the_middle(boston: BostonRun) -> None:
    assert 0 < boston.stored_at_kill < len(boston.file.rows)
