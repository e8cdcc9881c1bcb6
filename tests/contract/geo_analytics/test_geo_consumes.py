"""Geo-analytics reads every committed example of what it subscribes to. It writes no event."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries, named_producer_of, written_by

from cst_contracts.events import RequestEvent
from cst_process.core import Core
from cst_testkit.apps import Api

DELIVERIES = deliveries("geo_analytics")


@pytest.mark.parametrize("delivery", DELIVERIES, ids=str)
async def test_the_request_is_on_the_map_as_its_facts_say(core: Core, delivery: Delivery) -> None:
    await deliver_and_take(core, delivery)
    event = RequestEvent.model_validate(delivery.event)
    row = await core.db["geo_points"].find_one({"_id": event.subject})
    cell = await core.db["geo_cells"].find_one({"n": 1})
    assert row is not None
    assert (row["status"], row["priority"]) == (event.facts.status, event.facts.priority)
    assert (cell is not None) == (event.facts.located and event.facts.is_master)
    assert cell is None or cell["cell"] == event.facts.h3


@pytest.mark.parametrize("delivery", DELIVERIES, ids=str)
async def test_the_public_sees_only_what_is_known_to_be_public(
    api: Api, core: Core, delivery: Delivery
) -> None:
    await deliver_and_take(core, delivery)
    answer = await api.client.get("/analytics/geofeeds/heatmap?resolution=9&format=cells")
    facts = delivery.event["data"]["facts"]
    shown = facts["public"] == "exact" and facts["is_master"]
    assert len(answer.json()["cells"]) == shown


async def test_it_writes_no_event(core: Core) -> None:
    await deliver_and_take(core, DELIVERIES[0])
    assert await written_by(core, "geo_analytics") == []
    assert named_producer_of("geo_analytics") == set()
