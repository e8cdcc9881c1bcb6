"""The primary steps down while many write: each effect once, no gap, and every caller an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from fault_kit import Call, filing, insist, may_try_again
from pymongo.errors import PyMongoError
from pymongo.hello import Hello

from cst_ledger.verify import verify_one
from cst_stack.replica_set import direct_client, embedded_uri
from cst_testkit.apps import Api, running_api, unique_key
from cst_testkit.waiting import wait_until


def step_down(port: int) -> None:
    with direct_client(port) as client:
        try:
            client.admin.command("replSetStepDown", 1, force=True)
        except PyMongoError as error:
            raise AssertionError(f"mongod did not step down: {error}") from error


async def while_stepping_down(port: int, calls: Sequence[Call]) -> list[httpx.Response]:
    """Make the calls at once and let mongod step down when the first one is answered."""
    tasks = [asyncio.ensure_future(call()) for call in calls]
    await wait_until(lambda: any(task.done() for task in tasks), 30, "a first answer")
    await asyncio.to_thread(step_down, port)
    return list(await asyncio.gather(*tasks))


async def types(api: Api, request_id: str) -> list[str]:
    assert (await verify_one(api.core.db, request_id)).problems == []
    path = f"/requests/{request_id}/events"
    answer = await insist(lambda: api.client.get(path, headers=api.as_("auditor")))
    return [event["type"] for event in answer.json()["events"]]


async def test_transitions_of_many_requests_are_each_applied_once(
    own_api: Api, own_mongod: int
) -> None:
    ids = [(await own_api.file())["request_id"] for _ in range(50)]
    calls = [lambda i=i: own_api.step(i, "triaged") for i in ids]
    for answer in await while_stepping_down(own_mongod, calls):
        assert answer.status_code == 200 or may_try_again(answer), answer.text
    for request_id, call in zip(ids, calls, strict=True):
        assert (await insist(call)).status_code in (200, 409)
        assert await types(own_api, request_id) == ["created", "triaged"]


@pytest.mark.parametrize("harmed", [False, True], ids=["undisturbed", "stepping down"])
async def test_of_200_transitions_of_one_request_one_is_applied(
    own_api: Api, own_mongod: int, harmed: bool
) -> None:
    request_id = (await own_api.file())["request_id"]
    calls: list[Call] = [lambda: own_api.step(request_id, "triaged")] * 200
    if harmed:
        answers = await while_stepping_down(own_mongod, calls)
        answers.append(await insist(calls[0]))
    else:
        answers = list(await asyncio.gather(*(call() for call in calls)))
    codes = [answer.status_code for answer in answers if not may_try_again(answer)]
    assert set(codes) <= {200, 409}
    # The answer that said 200 may have been the one that the step-down cost.
    assert codes.count(200) == 1 or (harmed and codes.count(200) == 0)
    assert await types(own_api, request_id) == ["created", "triaged"]


@pytest.mark.parametrize("harmed", [False, True], ids=["undisturbed", "stepping down"])
async def test_one_key_from_50_clients_at_once_is_one_request(
    own_api: Api, own_mongod: int, harmed: bool
) -> None:
    before, calls = await own_api.stored(), [filing(own_api, unique_key())] * 50
    if harmed:
        answers = await while_stepping_down(own_mongod, calls)
        answers = [a if not may_try_again(a) else await insist(calls[0]) for a in answers]
    else:
        answers = list(await asyncio.gather(*(call() for call in calls)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert await own_api.stored() == before + 1


async def test_a_connection_made_while_a_primary_takes_over_can_do_transactions(
    own_mongod: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_api(embedded_uri(own_mongod)) as fresh:
        await fresh.file()  # reads the city, which takes its time, and is not what this is about
        # For a moment such a server is neither primary nor secondary, and the hello of a new
        # connection sees it, when the monitor's is over. Many calls at once make new connections.
        monkeypatch.setattr(Hello, "is_readable", property(lambda self: False))
        calls = [filing(fresh, unique_key()) for _ in range(20)]
        answers = await asyncio.gather(*(call() for call in calls))
    assert {answer.status_code for answer in answers} == {201}
