"""Webhooks: each step of a notice reaches its role's receiver, signed, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest
from inbox_kit import SECRET, WORDS, Receiver, Staff
from structlog.testing import capture_logs

from cst_core.clock import wall_now
from cst_inbox import DELIVERIES, Deliveries
from cst_process.core import Core
from cst_process.judgement import Expected
from cst_process.status import bounds_of, survey
from cst_sla import webhooks
from cst_sla.webhooks import WebhookSender
from cst_stack.ports import free_port
from cst_testkit.waiting import wait_until


async def send_all(core: Core, role: str, deliveries: Deliveries | None = None) -> int:
    """Send what is due for a role; return how many messages that were."""
    sender, count = WebhookSender(core, deliveries), 0
    async with httpx.AsyncClient() as client:
        while await sender.send_next(role, client):
            count += 1
    return count


async def states(staff: Staff) -> list[tuple[str, str, str | None]]:
    return [(row["role"], row["state"], row["error"]) for row in await staff.deliveries()]


async def test_a_role_is_told_once_and_can_trust_it(staff: Staff, receiver: Receiver) -> None:
    request_id = await staff.danger()
    core = staff.with_webhooks(on_call=f"{receiver.url}/hook?team=1")
    assert await send_all(core, "on_call") == 1
    assert await send_all(core, "on_call") == 0
    (message,) = receiver.got
    assert message.path == "/hook?team=1"
    assert message.headers["content-type"] == "application/json"
    assert message.is_signed()
    assert message.id == f"{request_id}:0:danger:on_call:0:on_call"
    notice = await staff.notice(f"{request_id}.0.danger.on_call")
    body = message.json()
    assert datetime.fromisoformat(body.pop("at")) == notice["at"]
    assert body == {
        "notice_id": notice["_id"],
        "request_id": request_id,
        "kind": "danger",
        "role": "on_call",
        "reason": notice["reason"],
        "category": "pothole",
        "zone_id": "MN03",
        "priority": "P1",
        "repeats": 0,
        "path": f"/requests/{request_id}",
    }
    assert WORDS not in message.body.decode()
    (delivered,) = [row for row in await staff.deliveries() if row["role"] == "on_call"]
    assert (delivered["state"], delivered["due_at"]) == ("delivered", None)
    assert abs(delivered["ended_at"] - wall_now()) < timedelta(minutes=1)


async def test_what_is_not_taken_comes_again_with_the_same_id(
    staff: Staff, receiver: Receiver
) -> None:
    await staff.told("admin")
    core = staff.with_webhooks(admin=f"{receiver.url}/hook")
    receiver.statuses = [500, 302, 429]
    for count in range(1, 5):
        assert await send_all(core, "admin") == 1
        assert await send_all(core, "admin") == 0, "it waits before the next attempt"
        assert len(receiver.got) == count
        await staff.hasten()
    assert await send_all(core, "admin") == 0
    assert {message.path for message in receiver.got} == {"/hook"}
    assert len({(message.id, message.body) for message in receiver.got}) == 1
    assert all(message.is_signed() for message in receiver.got)
    assert await states(staff) == [("admin", "delivered", None)]


async def test_who_takes_too_long_to_answer_is_asked_again(
    staff: Staff, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await staff.told("admin")
    receiver.answering.clear()
    core = staff.with_webhooks(admin=receiver.url)
    with monkeypatch.context() as patched:
        patched.setattr(webhooks, "ANSWER_S", 0.2)
        assert await send_all(core, "admin") == 1
    assert await states(staff) == [("admin", "waiting", "TimeoutError")]
    receiver.answering.set()
    await staff.hasten()
    assert await send_all(core, "admin") == 1
    assert await states(staff) == [("admin", "delivered", None)]


async def test_a_receiver_that_is_gone_is_left_alone_at_once(
    staff: Staff, receiver: Receiver
) -> None:
    await staff.told("admin")
    receiver.statuses = [410]
    core = staff.with_webhooks(admin=receiver.url)
    assert await send_all(core, "admin") == 1
    await staff.hasten()
    assert await send_all(core, "admin") == 0
    assert await states(staff) == [("admin", "failed", "HTTP 410")]
    seen = await survey(core.db, bounds_of(core.settings), Expected())
    assert [(problem.part, problem.problem) for problem in seen.problems] == [
        ("webhook:admin", "given up")
    ]
    rows, long_ago = staff.api.core.db[DELIVERIES.name], wall_now() - timedelta(days=2)
    await rows.update_many({}, {"$set": {"ended_at": long_ago}})
    assert (await survey(core.db, bounds_of(core.settings), Expected())).problems == []


async def test_after_a_day_it_is_given_up(staff: Staff, receiver: Receiver) -> None:
    await staff.told("admin")
    receiver.statuses = [503, 503]
    core, rows = staff.with_webhooks(admin=receiver.url), staff.api.core.db[DELIVERIES.name]
    assert await send_all(core, "admin") == 1
    await staff.hasten()
    await rows.update_many({}, {"$set": {"created_at": wall_now() - timedelta(hours=24)}})
    assert await send_all(core, "admin") == 1
    await staff.hasten()
    assert await send_all(core, "admin") == 0
    assert await states(staff) == [("admin", "failed", "HTTP 503")]


async def test_what_nobody_listens_on_is_put_off_and_the_secret_is_in_no_log(
    staff: Staff,
) -> None:
    await staff.told("admin")
    core = staff.with_webhooks(admin=f"http://127.0.0.1:{free_port()}/token-in-path")
    with capture_logs() as logs:
        assert await send_all(core, "admin") == 1
    assert await states(staff) == [("admin", "waiting", "ConnectError")]
    (line,) = [line for line in logs if line["event"] == "webhook not taken"]
    assert 10 <= line["again_in_s"] <= 20
    for secret in (SECRET, SECRET.removeprefix("whsec_"), "token-in-path"):
        assert secret not in str(logs)


async def test_a_sender_that_dies_while_it_sends_has_a_successor(
    staff: Staff, receiver: Receiver
) -> None:
    await staff.told("admin")
    core = staff.with_webhooks(admin=receiver.url)
    deliveries = Deliveries(core.db, claim_s=0.3)
    receiver.answering.clear()
    dying = asyncio.create_task(send_all(core, "admin", deliveries))
    await wait_until(lambda: receiver.got)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    receiver.answering.set()
    await wait_until(lambda: send_all(core, "admin", deliveries))
    assert len({message.id for message in receiver.got}) == 1
    assert await states(staff) == [("admin", "delivered", None)]


async def test_a_sender_that_dies_before_it_sends_has_a_successor_once_its_claim_has_run_out(
    staff: Staff, receiver: Receiver
) -> None:
    await staff.told("admin")
    core = staff.with_webhooks(admin=receiver.url)
    died = await Deliveries(core.db, claim_s=60).claim("admin")
    assert died is not None
    assert await send_all(core, "admin") == 0
    await staff.hasten()
    assert await send_all(core, "admin") == 1
    assert len(receiver.got) == 1
    await Deliveries(core.db).put_off(died, timedelta(0), "late")
    assert await states(staff) == [("admin", "delivered", None)], "it has no say any more"


async def test_two_senders_deliver_each_message_once(staff: Staff, receiver: Receiver) -> None:
    for _ in range(6):
        await staff.danger()
    core, stop = staff.with_webhooks(on_call=receiver.url, supervisor=receiver.url), asyncio.Event()
    senders = [asyncio.create_task(WebhookSender(core).run_webhooks(stop)) for _ in range(2)]

    async def are_delivered() -> bool:
        return [state for _, state, _ in await states(staff)] == ["delivered"] * 12

    await wait_until(are_delivered, timeout=30)
    stop.set()
    await asyncio.gather(*senders)
    assert len(receiver.got) == len({message.id for message in receiver.got}) == 12


async def test_a_receiver_that_does_not_answer_holds_up_no_other(
    staff: Staff, receiver: Receiver
) -> None:
    for _ in range(3):
        await staff.danger()
    async with Receiver().listening() as stuck:
        stuck.answering.clear()
        core = staff.with_webhooks(on_call=stuck.url, supervisor=receiver.url)
        stop = asyncio.Event()
        sending = asyncio.create_task(WebhookSender(core).run_webhooks(stop))
        await wait_until(lambda: len(stuck.got) == 2, what="as many as are sent at once")
        await wait_until(lambda: len(receiver.got) == 3)
        assert len(stuck.got) == 2
        stop.set()
        stuck.answering.set()
        await sending


async def test_what_no_webhook_is_for_is_dropped(staff: Staff, receiver: Receiver) -> None:
    await staff.danger()
    core, stop = staff.with_webhooks(supervisor=receiver.url), asyncio.Event()
    sending = asyncio.create_task(WebhookSender(core).run_webhooks(stop))

    async def is_left() -> bool:
        return await states(staff) == [("supervisor", "delivered", None)]

    await wait_until(is_left)
    stop.set()
    await sending
    assert [message.json()["role"] for message in receiver.got] == ["supervisor"]


async def test_each_role_it_goes_to_is_told(staff: Staff, receiver: Receiver) -> None:
    await staff.told("on_call")
    await staff.pass_time(hours=4.1)
    await staff.pass_time(hours=8.1)
    roles = ("on_call", "dispatcher", "supervisor")
    core = staff.with_webhooks(**dict.fromkeys(roles, receiver.url))
    for role in roles:
        assert await send_all(core, role) == 1
    assert [(m.json()["role"], m.json()["repeats"]) for m in receiver.got] == [
        ("on_call", 0),
        ("dispatcher", 1),
        ("supervisor", 2),
    ]


async def test_a_look_reads_what_is_due_however_much_waits(staff: Staff) -> None:
    await staff.told("admin")
    (example,) = await staff.deliveries()
    rows, now = staff.api.core.db[DELIVERIES.name], wall_now()
    waiting = [example | {"_id": f"w{n}", "due_at": now + timedelta(hours=1)} for n in range(200)]
    done = [example | {"_id": f"d{n}", "due_at": None} for n in range(200)]
    await rows.insert_many(waiting + done)
    found = await rows.find(Deliveries.fallen_due("admin")).sort("due_at", 1).explain()
    stats = found["executionStats"]
    assert (stats["nReturned"], stats["totalDocsExamined"]) == (1, 1)
    assert stats["totalKeysExamined"] <= 2
