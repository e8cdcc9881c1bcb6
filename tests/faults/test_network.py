"""Between the API and its database: cut, slow, or closed. Callers get 503, and retries are safe."""

from __future__ import annotations

import asyncio

from fault_kit import filing, insist, may_try_again

from cst_testkit.apps import Api, report, unique_key
from cst_testkit.faults.proxy import TcpProxy
from cst_testkit.waiting import wait_until

CLIENTS = 20


async def test_a_cut_in_the_middle_of_many_creates_loses_none_and_repeats_none(
    far_api: Api, link: TcpProxy
) -> None:
    calls = [filing(far_api, unique_key()) for _ in range(CLIENTS)]
    first = [asyncio.ensure_future(call()) for call in calls]
    await wait_until(lambda: any(task.done() for task in first), 30, "a first answer")
    assert link.cut_all() > 0
    for task in first:
        answer = await task
        assert answer.status_code == 201 or may_try_again(answer), answer.text
    answers = [await insist(call) for call in calls]
    assert {answer.status_code for answer in answers} <= {200, 201}
    ids = {answer.json()["request_id"] for answer in answers}
    assert len(ids) == CLIENTS == await far_api.stored()


async def test_a_slow_network_only_delays(far_api: Api, link: TcpProxy) -> None:
    link.delay_s = 0.1
    created = await far_api.client.post("/requests/", json=report())
    assert created.status_code == 201
    step = await far_api.step(created.json()["request_id"], "triaged")
    assert step.status_code == 200


async def test_without_a_database_callers_are_told_to_try_again_within_a_bound(
    far_api: Api, link: TcpProxy
) -> None:
    """Without a key the first thing a create does is its transaction, which would insist long."""
    request_id = (await far_api.file())["request_id"]
    link.refusing = True
    link.cut_all()
    client, staff = far_api.client, far_api.as_("dispatcher")
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            client.get("/requests"),
            client.get(f"/requests/{request_id}", headers=staff),
            client.post("/requests/", json=report()),
            filing(far_api, unique_key())(),
            far_api.step(request_id, "triaged"),
        )
    assert [may_try_again(answer) for answer in answers] == [True] * len(answers)
    link.refusing = False
    assert (await insist(lambda: client.get("/requests"))).status_code == 200
    assert (await insist(lambda: far_api.step(request_id, "triaged"))).status_code == 200
    assert await far_api.stored() == 1


async def test_a_create_whose_answer_was_lost_is_found_again_by_its_key(
    far_api: Api, link: TcpProxy
) -> None:
    """Whether or not the commit went through before the cut, the key makes one request."""
    key = unique_key()
    for delay_s in (0.0, 0.02, 0.05):
        link.delay_s, before = delay_s, link.forwarded
        call = asyncio.ensure_future(filing(far_api, key)())
        await wait_until(lambda b=before, c=call: link.forwarded > b or c.done(), 10, "traffic")
        link.cut_all()
        await call
    link.delay_s = 0.0
    ids = {(await insist(filing(far_api, key))).json()["request_id"] for _ in range(3)}
    assert len(ids) == 1 == await far_api.stored()
