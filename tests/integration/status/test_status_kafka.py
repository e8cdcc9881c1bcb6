"""Apache Kafka keeps what it has, so an outage of it is over without a restart of anybody."""

from __future__ import annotations

import asyncio

import pytest
from status_kit import SHOWN_S, Whole

from cst_stack.kafka import Kafka
from cst_testkit.systems import assigned_story, file_request

BROKER = "kafka"

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def test_a_killed_broker_is_missed_and_met_again_by_the_same_processes(
    whole: Whole,
) -> None:
    before = await whole.pids()
    kafka = Kafka(whole.home)
    port = kafka.status().port
    assert port is not None
    await asyncio.to_thread(kafka.kill)
    await whole.until_it_tells(("broker", "unreachable"))
    request_id = await file_request(whole.client)
    await asyncio.to_thread(kafka.start, port)
    await assigned_story(whole.client, request_id, SHOWN_S)
    await whole.until_ready()
    assert await whole.pids() == before
