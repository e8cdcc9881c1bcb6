"""Notices that nobody acknowledges go to the next role, once at a time, until somebody does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from inbox_kit import Staff

from cst_bus.processor import Processor
from cst_inbox import NOTICES, Inbox, Notice
from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_sla.consumers import NoticeHandler
from cst_sla.notices import NoticeService
from cst_testkit.factories import SYSTEM
from cst_testkit.records import RecordingDeadLetters, record_of
from cst_testkit.waiting import wait_until

FOUR_HOURS = timedelta(hours=4)


async def follow(staff: Staff, request_id: str) -> None:
    """Let notices follow all that happened to a request."""
    handler = NoticeHandler(NoticeService(staff.api.core))
    dead = RecordingDeadLetters()
    processor = Processor(staff.api.core.db, handler, dead)
    oid = (await staff.load(request_id))["_id"]
    logs = await staff.api.core.db["performance_logs"].find({"request_id": oid}).to_list()
    records = [record_of(event) for log in logs for event in log["event_stream"]]
    await processor.process(records)
    assert dead.sent == []


async def test_it_goes_to_the_next_role_once_by_any_number_of_workers(staff: Staff) -> None:
    made = [await staff.told("on_call") for _ in range(5)]
    before = {notice_id: await staff.notice(notice_id) for notice_id in made}
    await staff.pass_time(hours=3.9)
    assert [await staff.notice(notice_id) for notice_id in made] == list(before.values())
    later = staff.later(hours=4.1)
    await asyncio.gather(*(NoticeService(later).repeat_due() for _ in range(4)))
    for notice_id in made:
        after = await staff.notice(notice_id)
        assert (after["roles"], after["repeats"]) == (["on_call", "dispatcher"], 1)
        assert after["repeat_at"] == before[notice_id]["repeat_at"] + FOUR_HOURS
        (event,) = await staff.events(notice_id.partition(".")[0], "notice_repeated")
        assert event["meta"] == {
            "notice_id": notice_id,
            "kind": "escalation",
            "from_role": "on_call",
            "to_role": "dispatcher",
            "times": 1,
        }
        assert event["by"] == {"actor_type": "system", "actor_id": "notices"}
        assert event["service"] == "sla"
    assert await NoticeService(later).repeat_due() == 0


async def test_it_goes_up_to_the_last_role_and_stays_there(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    for times in range(1, 6):
        await staff.pass_time(hours=4 * times + 0.1)
    after = await staff.notice(notice_id)
    assert after["roles"] == ["on_call", "dispatcher", "supervisor", "admin"]
    assert after["repeats"] == 5
    events = await staff.events(notice_id.partition(".")[0], "notice_repeated")
    assert [(event["meta"]["from_role"], event["meta"]["to_role"]) for event in events] == [
        ("on_call", "dispatcher"),
        ("dispatcher", "supervisor"),
        ("supervisor", "admin"),
        ("admin", "admin"),
        ("admin", "admin"),
    ]
    ids = [row["_id"] for row in await staff.deliveries()]
    assert len(ids) == 6


async def test_after_a_long_pause_it_is_repeated_once(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    due = (await staff.notice(notice_id))["repeat_at"]
    await staff.pass_time(hours=83)
    await staff.pass_time(hours=83)
    after = await staff.notice(notice_id)
    assert (after["repeats"], after["repeat_at"]) == (1, due + 20 * FOUR_HOURS)


async def test_the_policy_says_how_long_it_waits(staff: Staff) -> None:
    request_id = await staff.danger()
    document = await staff.load(request_id)
    document["sla_policy"]["repeat_hours"] = 0.5
    notice, at = Notice(request_id, "danger", "admin", "x", 9), staff.api.core.clock.now()
    inbox = Inbox(staff.api.core.db)
    await transact(staff.api.core.db, lambda session: inbox.post(notice, document, at, session))
    stored = await staff.notice(notice.notice_id)
    assert stored["repeat_at"] - stored["at"] == timedelta(minutes=30)


async def test_who_takes_note_stops_it(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    assert (await staff.acknowledge(notice_id, "dispatcher")).status_code == 200
    await staff.pass_time(hours=50)
    after = await staff.notice(notice_id)
    assert (after["repeats"], after["repeat_at"], after["open"]) == (0, None, False)
    assert await staff.events(notice_id.partition(".")[0], "notice_repeated") == []


async def test_of_taking_note_and_repeating_at_once_both_are_told_or_the_first(
    staff: Staff,
) -> None:
    for _ in range(5):
        notice_id = await staff.told("on_call")
        answer, *_ = await asyncio.gather(
            staff.acknowledge(notice_id, "dispatcher"), staff.pass_time(hours=5)
        )
        assert answer.status_code == 200
        after = await staff.notice(notice_id)
        events = await staff.events(notice_id.partition(".")[0], "notice_repeated")
        assert after["repeats"] == len(events) <= 1
        assert (after["open"], after["repeat_at"]) == (False, None)


async def test_what_fails_halfway_leaves_nothing_behind(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice_id = await staff.told("on_call")
    before, deliveries = await staff.notice(notice_id), await staff.deliveries()

    async def die(*_: object) -> Document:
        raise SystemError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", die)
        with pytest.raises(SystemError):
            await staff.pass_time(hours=5)
    assert (await staff.notice(notice_id), await staff.deliveries()) == (before, deliveries)
    await staff.pass_time(hours=5)
    assert (await staff.notice(notice_id))["repeats"] == 1


@pytest.mark.parametrize("how", ["when it is due", "by the event"])
async def test_what_has_ended_is_closed_and_not_repeated(staff: Staff, how: str) -> None:
    request_id = await staff.danger()
    await staff.end(request_id)
    if how == "by the event":
        await follow(staff, request_id)
    else:
        await staff.pass_time(hours=5)
    rows = await staff.inbox()
    assert [(row["roles"], row["closed_because"], row["open"]) for row in rows] == [
        (["on_call"], "request ended", False),
        (["supervisor"], "request ended", False),
    ]
    assert {row["acknowledged_by"] for row in rows} == {None}
    assert await staff.events(request_id, "notice_repeated") == []
    answer = await staff.acknowledge(rows[0]["notice_id"], "admin")
    assert answer.status_code == 409
    assert "request ended" in answer.json()["detail"]


async def disputed(staff: Staff, request_id: str, dispute: dict[str, object] | None) -> None:
    """Open a dispute, or settle it, by the event that says so."""
    meta = {"reason_codes": ["not_fixed"]} if dispute else {"outcome": "refused"}
    name = "disputed" if dispute else "dispute_settled"
    event = NewEvent(name, SYSTEM, changes={"dispute": dispute}, meta=meta)
    await staff.api.core.ledger("test").record(request_id, lambda _: [event])


async def test_a_dispute_about_what_has_ended_is_repeated_until_it_is_settled(
    staff: Staff,
) -> None:
    request_id = (await staff.told("on_call")).partition(".")[0]
    await staff.end(request_id)
    now = staff.api.core.clock.now()
    await disputed(staff, request_id, {"at": now, "reason_codes": ["not_fixed"]})
    await staff.pump.drain()
    await follow(staff, request_id)
    await staff.pass_time(hours=5)
    (row,) = await staff.inbox(kind="dispute", open=True)
    assert row["roles"] == ["supervisor", "admin"]
    await disputed(staff, request_id, None)
    await follow(staff, request_id)
    (row,) = await staff.inbox(kind="dispute")
    assert (row["open"], row["closed_because"]) == (False, "dispute settled")


async def test_notices_follow_what_is_corrected(staff: Staff) -> None:
    notice_id = await staff.told("dispatcher")
    request_id = notice_id.partition(".")[0]
    for what, body in (
        ("category", {"category": "graffiti"}),
        ("priority", {"priority": "P2"}),
        ("location", {"location": {"coordinates": [-73.9857, 40.7484], "type": "Point"}}),
    ):
        path = f"/requests/{request_id}/{what}"
        answer = await staff.post(path, "supervisor", reason="x", **body)
        assert answer.status_code == 200, answer.text
    await follow(staff, request_id)
    document = await staff.load(request_id)
    (row,) = await staff.inbox(zone_id="MN05", department="DSNY")
    assert (row["category"], row["priority"]) == ("graffiti", "P2")
    assert row["zone_id"] == document["location"]["zone_id"]


async def test_the_loop_repeats_what_is_due_until_it_is_stopped(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    stop = asyncio.Event()
    loop = asyncio.create_task(NoticeService(staff.later(hours=5)).run_notices(stop))

    async def is_repeated() -> bool:
        return bool((await staff.notice(notice_id))["repeats"])

    await wait_until(is_repeated, timeout=20)
    stop.set()
    await loop


async def test_a_look_reads_what_is_due_however_much_is_open(staff: Staff) -> None:
    notices = staff.api.core.db[NOTICES.name]
    made = [await staff.told("on_call") for _ in range(2)]
    example = await staff.notice(made[0])
    now = staff.api.core.clock.now()
    waiting = [
        example | {"_id": f"n{number}", "repeat_at": now + FOUR_HOURS} for number in range(200)
    ]
    done = [example | {"_id": f"d{number}", "repeat_at": None} for number in range(200)]
    await notices.insert_many(waiting + done)
    due = now - timedelta(seconds=1)
    await notices.update_many({"_id": {"$in": made}}, {"$set": {"repeat_at": due}})
    stats = (await notices.find(Inbox.fallen_due(now)).sort("repeat_at", 1).explain())[
        "executionStats"
    ]
    assert (stats["nReturned"], stats["totalDocsExamined"]) == (2, 2)
    assert stats["totalKeysExamined"] <= 3
    await notices.delete_many({"_id": {"$in": [row["_id"] for row in waiting + done]}})


async def test_a_repeated_step_is_delivered_to_the_new_role_only(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    await staff.pass_time(hours=5)
    found = {row["_id"]: row["body"] for row in await staff.deliveries()}
    key = notice_id.replace(".", ":")
    assert set(found) == {f"{key}:0:on_call", f"{key}:1:dispatcher"}
    assert found[f"{key}:1:dispatcher"]["repeats"] == 1
    assert found[f"{key}:1:dispatcher"]["role"] == "dispatcher"


async def test_the_same_notice_posted_again_is_delivered_once(staff: Staff) -> None:
    request_id = await staff.danger()
    document, inbox = await staff.load(request_id), Inbox(staff.api.core.db)
    notice, at = Notice(request_id, "danger", "admin", "x", 9), staff.api.core.clock.now()

    async def post(session: Session) -> None:
        await inbox.post(notice, document, at, session)

    for _ in range(2):
        await transact(staff.api.core.db, post)
    rows = [row for row in await staff.deliveries() if row["role"] == "admin"]
    assert len(rows) == 1
