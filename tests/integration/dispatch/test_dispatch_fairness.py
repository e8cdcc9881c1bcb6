"""Fairness and order over many assignments by one worker."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any

import pytest
from dispatch_kit import Dispatch, crew, work_off

from cst_dispatch.choosing import Chooser
from cst_dispatch.consumers import RosterHandler
from cst_dispatch.queue import Queue
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_testkit.crews import scattered, store_triaged

AGENTS = 16


def anywhere(number: int) -> dict[str, Any]:
    """Return a request's place; the zone is the same for all."""
    place = {
        "type": "Point",
        "coordinates": scattered(random.Random(number)),
        "zone_id": "MN03",
        "h3": "8a2a1072b59ffff",
        "located": True,
        "snapped": False,
        "address_hint": None,
    }
    return {"location": place}


async def queued(city: Dispatch, ids: list[str]) -> None:
    """Put requests into the queue as their events do."""
    queue, ledger = Queue(city.db), city.core.ledger("test")

    async def put(session: Session, part: list[str]) -> None:
        documents = (await ledger.load_many(part, session)).values()
        waiting = [(document, ["roads"]) for document in documents]
        await queue.follow(waiting, [], city.core.clock.now(), session)

    for start in range(0, len(ids), 50):
        await transact(city.db, partial(put, part=ids[start : start + 50]))


@pytest.mark.parametrize("requests", [160, pytest.param(1000, marks=pytest.mark.slow)])
async def test_equal_agents_have_equal_loads_after_many_assignments(
    city: Dispatch, requests: int
) -> None:
    await city.only(*(crew(number, capacity=200) for number in range(AGENTS)))
    ids = await store_triaged(city.db, requests, special=anywhere)
    await queued(city, ids)
    while await work_off(city.core):
        pass
    agents = city.db["service_agents"].find({"kind": "person", "active": True})
    loads = [agent["open_assignments"] async for agent in agents]
    assert sum(loads) == requests
    assert max(loads) - min(loads) <= 1


async def test_scarce_room_goes_by_priority_and_then_by_age(city: Dispatch) -> None:
    levels = ("P1", "P2", "P3", "P4")
    rng = random.Random(7)
    drawn = [rng.choice(levels) for _ in range(80)]
    crews = await city.only(*(crew(number, capacity=2) for number in range(8)))
    ids = await store_triaged(
        city.db, len(drawn), special=lambda n: {**anywhere(n), "priority": drawn[n]}
    )
    rank = {request_id: (drawn[number], number) for number, request_id in enumerate(ids)}
    await queued(city, ids)
    handler = RosterHandler(city.core, Chooser(city.core))
    done: list[str] = []
    core = city.set_with(dispatch_batch_from=0)
    for _ in range(4):
        while await work_off(core):
            pass
        assigned = city.db["service_requests"].find({"status": "assigned"})
        held = sorted([r["request_id"] async for r in assigned], key=rank.__getitem__)
        # Who has somebody comes before all who wait.
        waiting = set(ids) - set(held) - set(done)
        assert max(rank[h] for h in held) < min(rank[w] for w in waiting)
        for request_id in held[:5]:
            await city.done(request_id)
        done += held[:5]
        await handler.changed([str(agent["_id"]) for agent in crews])
    counted = Counter(drawn)
    assert counted["P1"] > 0
    assert len(done) == 20
