"""The live map while its broker is away, and after it comes back."""

from __future__ import annotations

import asyncio

import pytest
from live_api import LiveApi, heard, live_api

from cst_bus.topics_admin import ensure_topics
from cst_contracts.topics import REQUEST_EVENTS
from cst_stack import Endpoints, Home, restart_broker
from cst_testkit.waiting import wait_until


async def test_a_broker_that_was_emptied_makes_clients_start_over(
    own_stack: Endpoints, home: Home
) -> None:
    async with live_api(own_stack, live_heartbeat_s=0.2) as live, live.listen() as stream:
        await stream.begun()
        old = await live.file()
        await heard(stream, (old, 0))
        await asyncio.to_thread(restart_broker, home)
        await _topics_again(live, own_stack)
        await wait_until(lambda: stream.of("reset"), 60, "the reset")
        assert [reset["reason"] for reset in stream.of("reset")] == ["other_log"]
        assert stream.of("reset")[0]["position"] == stream.last_id
        new = await live.file()
        await wait_until(lambda: (new, 0) in stream.events, 20, new)
        assert not stream.ended


async def _topics_again(live: LiveApi, stack: Endpoints) -> None:
    prefix = live.api.core.settings.topic_prefix
    await ensure_topics(
        stack.kafka_bootstrap_servers, [REQUEST_EVENTS], prefix=prefix, volatile=True
    )


async def test_an_api_starts_without_its_broker_and_says_so(stack: Endpoints) -> None:
    async with live_api(stack) as other:
        kafka = other.api.core.settings.kafka
    nobody = kafka.rsplit(":", 1)[0] + ":1"
    async with live_api(stack, kafka=nobody, live_heartbeat_s=0.2) as live, live.listen() as stream:
        assert stream.status == 200
        await wait_until(lambda: stream.of("status"), 20, "the status")
        await wait_until(lambda: stream.comments >= 2, 20, "heartbeats")
        assert {status["broker"] for status in stream.of("status")} <= {"connecting", "away"}
        assert not stream.of("ready")


@pytest.mark.kafka
async def test_on_apache_kafka_it_goes_on_where_the_client_was(kafka_stack: Endpoints) -> None:
    async with live_api(kafka_stack) as live:
        async with live.listen() as stream:
            await stream.begun()
            first = await live.file()
            await heard(stream, (first, 0))
            position = stream.last_id
        missed = await live.file()
        async with live.listen(Last_Event_ID=position) as stream:
            await stream.begun()
            assert stream.of("ready")[0]["resumed"]
            await heard(stream, (missed, 0))
