"""A process's clock jumps: the order is kept by seq, and leases by the server's clock."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from cst_ledger.reader import events_of
from cst_ledger.verify import verify_one
from cst_mongo.leases import Leases
from cst_testkit.apps import Api
from cst_testkit.faults.clocks import jumped

HOURS = [-3, 3]


@pytest.mark.parametrize("hours", HOURS)
async def test_a_life_across_a_jump_verifies_and_keeps_its_order(own_api: Api, hours: int) -> None:
    request_id = (await own_api.file())["request_id"]
    with jumped(timedelta(hours=hours)):
        assert (await own_api.step(request_id, "triaged")).status_code == 200
    answer = await own_api.step(request_id, "triaged")
    assert answer.status_code == 409
    stored = await own_api.core.db["service_requests"].find_one({"request_id": request_id})
    assert stored is not None
    created, triaged = await events_of(own_api.core.db, stored["_id"])
    moved = triaged["recorded_at"] - created["recorded_at"]
    assert abs(moved - timedelta(hours=hours)) < timedelta(minutes=10)
    assert [created["seq"], triaged["seq"]] == [0, 1]
    assert (await verify_one(own_api.core.db, request_id)).problems == []


@pytest.mark.parametrize("hours", HOURS)
async def test_a_jump_neither_ends_nor_prolongs_a_lease(own_api: Api, hours: int) -> None:
    name = f"jump by {hours}"
    leases = Leases(own_api.core.db, ttl_s=60)
    held = await leases.acquire(name, "holder")
    assert held is not None
    with jumped(timedelta(hours=hours)):
        assert await leases.acquire(name, "rival") is None
        assert await leases.renew(held)
    row = await own_api.core.db["leases"].find_one({"_id": name})
    assert row is not None
    server_now = (await own_api.core.db.command("hello"))["localTime"].replace(tzinfo=UTC)
    assert timedelta(0) < row["expires_at"] - server_now <= timedelta(seconds=60)
