"""The live map answers as the OpenAPI document says, and its events as their models do."""

from __future__ import annotations

import json

import pytest
from contract_kit import Delivery, deliveries
from rest_kit import Call, openapi

from cst_contracts.events import RequestEvent
from cst_contracts.live_views import LiveFrame
from cst_geo_analytics.domain.live import Wanted
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.hub import Hub
from cst_geo_analytics.live.log import Log
from cst_geo_analytics.live.ring import Ring
from cst_geo_analytics.live.translate import Translator
from cst_process.core import Core
from cst_testkit.apps import Api
from cst_testkit.records import consumer_record
from cst_testkit.streams import blocks

LIVE = "/analytics/live"
CALLS = [
    Call("GET", LIVE, 503),
    Call("GET", LIVE, 422, query={"bbox": "1,2"}),
    Call("GET", LIVE, 422, query={"category": "dragons"}),
    Call("GET", LIVE, 401, headers={"Authorization": "Bearer no"}),
]
DELIVERIES = deliveries("geo_analytics")


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)


def test_the_stream_is_documented() -> None:
    answer = openapi()["paths"][LIVE]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["text/event-stream"]


@pytest.mark.parametrize("delivery", DELIVERIES, ids=str)
async def test_every_event_of_the_map_is_told_as_its_facts_say(
    core: Core, delivery: Delivery
) -> None:
    event = RequestEvent.model_validate(delivery.event)
    record = consumer_record(event.subject.encode(), json.dumps(delivery.event).encode())
    log = Log("a" * 16, Ring((0,), 100), (0,), ahead=0)
    hub = Hub(max_clients=1, heartbeat_s=1)
    hub.follow(log)
    hub.reach("up")
    client = Client(hub, Wanted(staff=True), None, None)
    client.next()
    log.gather(await Translator(core.db).entries([record], None), (1,), 0)
    log.flush()
    frames = [LiveFrame.model_validate(block.data) for block in blocks(client.next().decode())]
    if not event.facts.is_master:
        assert frames == []
        return
    [told] = frames[0].events
    assert (told.request_id, told.seq, told.type) == (event.subject, event.seq, event.name)
    assert (told.category, told.status) == (event.facts.category, event.facts.status)
    assert told.cell == (event.facts.h3 if event.facts.located else None)
