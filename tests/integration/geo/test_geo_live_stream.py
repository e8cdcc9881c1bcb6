"""The live map: who is told what, from where on, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from live_api import LIVE, LiveApi, heard, live_api

from cst_geo_analytics.live import hub as hub_module
from cst_geo_analytics.live import metrics
from cst_stack import Endpoints
from cst_testkit.apps import Api
from cst_testkit.streams import connect
from cst_testkit.waiting import wait_until

HARBOR = {"location": {"coordinates": [-74.02, 40.68]}}
HARBOR_BOX = "-74.03,40.67,-74.01,40.69"
STAFF = ("dispatcher",)


@pytest.fixture(scope="module")
async def live(stack: Endpoints) -> AsyncIterator[LiveApi]:
    async with live_api(stack, live_heartbeat_s=0.2) as running:
        yield running


def bearer(live: LiveApi, **options: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {live.api.token(*STAFF, **options)}"}


async def correct(live: LiveApi, request_id: str, part: str, **body: Any) -> None:
    """Correct a request as staff and send the event."""
    answer = await live.api.client.post(
        f"/requests/{request_id}/{part}",
        json={"reason": "it was wrong", **body},
        headers=live.api.as_("supervisor"),
    )
    assert answer.status_code == 200, answer.text
    await live.feed.send_new()


async def test_a_report_is_told_with_what_the_map_needs(live: LiveApi) -> None:
    async with live.listen() as stream:
        await stream.begun()
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        request_id = await live.file()
        await heard(stream, (request_id, 0))
        [event] = stream.of("frame")[0]["events"]
    document = await live.api.core.db["service_requests"].find_one({"request_id": request_id})
    assert document is not None
    assert event == {
        "request_id": request_id,
        "seq": 0,
        "type": "created",
        "at": event["at"],
        "cell": document["location"]["h3"],
        "zone_id": document["location"]["zone_id"],
        "category": "pothole",
        "status": "new",
        "priority": document["priority"],
    }


async def test_what_is_not_exact_is_told_to_staff_only(live: LiveApi) -> None:
    async with live.listen() as public, live.listen(**bearer(live)) as staff:
        await public.begun()
        await staff.begun()
        hidden = await live.file(category="sewer_backup")
        shown = await live.file()
        await heard(staff, (hidden, 0), (shown, 0))
        await heard(public, (shown, 0))
        assert hidden not in str(public.blocks)


async def test_filters_by_box_and_categories(live: LiveApi) -> None:
    both = {"category": ["pothole", "graffiti"], "bbox": HARBOR_BOX}
    async with live.listen({"bbox": HARBOR_BOX}) as box, live.listen(both) as narrow:
        await box.begun()
        await narrow.begun()
        await live.file()
        light = await live.file(category="street_light", **HARBOR)
        pothole = await live.file(**HARBOR)
        await heard(box, (light, 0), (pothole, 0))
        await heard(narrow, (pothole, 0))


async def test_a_request_that_leaves_a_filter_is_removed_there(live: LiveApi) -> None:
    request_id = await live.file_and_tell()
    async with (
        live.listen({"category": "pothole"}) as before,
        live.listen({"category": "graffiti"}) as after,
    ):
        await before.begun()
        await after.begun()
        await correct(live, request_id, "category", category="graffiti")
        await heard(after, (request_id, after_seq := 1))
        await wait_until(lambda: before.removals, 20, "the removal")
        assert (before.events, before.removals) == ([], [(request_id, after_seq)])


async def test_what_is_no_more_exact_is_removed_and_no_more_told(live: LiveApi) -> None:
    async with live.listen() as stream:
        await stream.begun()
        begin = stream.last_id
        request_id = await live.file()
        await heard(stream, (request_id, 0))
        await correct(live, request_id, "category", category="sewer_backup")
        await wait_until(lambda: stream.removals, 20, "the removal")
        assert stream.removals == [(request_id, 1)]
        assert "sewer" not in str(stream.blocks)
    async with live.listen(Last_Event_ID=begin) as late:
        await wait_until(lambda: late.removals, 20, "the removal")
        assert late.events == []


@pytest.mark.parametrize("how", ["header", "query", "the header before the query"])
async def test_it_goes_on_where_the_client_was(live: LiveApi, how: str) -> None:
    async with live.listen() as stream:
        await stream.begun()
        first = await live.file()
        await heard(stream, (first, 0))
        position = stream.last_id
    missed = await live.file_and_tell()
    query = {"query": {"last_event_id": position}, "header": None}.get(how, {"last_event_id": "x"})
    headers = {} if how == "query" else {"Last_Event_ID": position}
    async with live.listen(query, **headers) as stream:
        await stream.begun()
        assert stream.of("ready")[0] == {"position": position, "resumed": True}
        later = await live.file()
        await heard(stream, (missed, 0), (later, 0))


@pytest.mark.parametrize(
    "garbage", ["x", "0", "~", "a" * 16 + "~1.2.3", "a" * 4000, "'; DROP", "%00", "0" * 16 + "~"]
)
async def test_garbage_to_resume_from_is_reset_and_goes_on(live: LiveApi, garbage: str) -> None:
    async with live.listen(Last_Event_ID=garbage) as stream:
        await stream.begun()
        [reset] = stream.of("reset")
        assert reset["reason"] in ("unknown_position", "other_log")
        assert reset["position"] == stream.last_id
        request_id = await live.file()
        await heard(stream, (request_id, 0))


async def test_a_position_beyond_the_log_is_reset(live: LiveApi) -> None:
    async with live.listen() as stream:
        await stream.begun()
        name = stream.last_id.split("~")[0]
    async with live.listen({"last_event_id": f"{name}~{'.'.join(['9' * 15] * 6)}"}) as stream:
        await stream.begun()
        assert stream.of("reset")[0]["reason"] == "ahead"


async def test_heartbeats_come_where_nothing_happens(live: LiveApi) -> None:
    async with live.listen({"category": "construction_noise"}) as stream:
        await stream.begun()
        await wait_until(lambda: stream.comments >= 3, 20, "heartbeats")
        assert stream.blocks[-1].id is not None


async def test_garbage_in_the_topic_harms_nobody(live: LiveApi) -> None:
    before = metrics.UNREADABLE._value.get()
    async with live.listen() as stream:
        await stream.begun()
        for value in (b"", b"\xff\xfe", b"{}", b"[" * 5000, None):
            await live.feed.send(b"CST-2026-0001", value)
        request_id = await live.file()
        await heard(stream, (request_id, 0))
    assert metrics.UNREADABLE._value.get() >= before + 4


async def test_history_that_the_embedded_broker_is_sent_again_is_no_news(
    live: LiveApi, stack: Endpoints
) -> None:
    if stack.broker != "tansu":
        pytest.skip("this broker keeps its records")
    request_id = await live.file_and_tell()
    log = await live.api.core.db["performance_logs"].find_one({"event_stream.subject": request_id})
    assert log is not None
    created = log["event_stream"][0]
    long_ago = created["recorded_at"] - timedelta(hours=1)
    async with live.listen() as stream:
        await stream.begun()
        await live.feed.send_event(created | {"subject": "CST-2025-0001", "recorded_at": long_ago})
        await live.feed.send_event(created | {"subject": "CST-2025-0001", "seq": 1})
        await heard(stream, ("CST-2025-0001", 1))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bbox=1,2", "bbox"),
        ("bbox=-73,40,-74,41", "bbox"),
        ("bbox=0,0,500,1", "bbox"),
        ("category=dragons", "category"),
        ("category=pothole&category=dragons", "category"),
        ("categroy=pothole", "categroy"),
    ],
)
async def test_what_is_wrong_is_named_before_the_stream_begins(
    live: LiveApi, query: str, field: str
) -> None:
    answer = await live.api.client.get(f"{LIVE}?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_token_that_is_not_valid_is_refused(live: LiveApi) -> None:
    answer = await live.api.client.get(LIVE, headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401


async def test_a_stream_ends_with_its_token(live: LiveApi) -> None:
    async with live.listen(**bearer(live, ttl_s=1)) as stream:
        assert stream.status == 200
        await wait_until(lambda: stream.ended, 20, "the stream's end")


async def test_without_a_broker_it_says_so(api: Api) -> None:
    answer = await api.client.get(LIVE)
    assert answer.status_code == 503
    assert "KAFKA_BOOTSTRAP_SERVERS" in answer.json()["detail"]


async def test_one_client_too_many_is_sent_away_until_another_leaves(stack: Endpoints) -> None:
    async with live_api(stack, live_clients=1) as live:
        async with live.listen() as first:
            await first.begun()
            async with live.listen() as second:
                await wait_until(lambda: second.ended, 20, "the answer")
                assert (second.status, second.headers["retry-after"]) == (503, "30")
                assert b"no room" in second.body
        await wait_until(lambda: metrics.CLIENTS._value.get() == 0, 20, "the first to be gone")
        async with live.listen() as third:
            await third.begun()


async def test_who_does_not_read_is_dropped_and_others_are_not(
    live: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "STALLED_S", 0.5)
    dropped = metrics.DROPPED._value.get()
    request_id = await live.file_and_tell()
    log = await live.api.core.db["performance_logs"].find_one({"event_stream.subject": request_id})
    assert log is not None
    created = log["event_stream"][0]
    _, idle = await connect(live.url, LIVE)
    async with live.listen() as stream:
        await stream.begun()
        told = list[tuple[str, int]]()
        while metrics.DROPPED._value.get() == dropped:
            subject = f"CST-2027-{len(told) + 1:04}"
            told.append((subject, 0))
            await live.feed.send_event(created | {"subject": subject})
            await asyncio.sleep(0)
        await wait_until(lambda: len(stream.events) >= len(told), 60, "every event")
        assert sorted(stream.events) == sorted(told)
    idle.close()
