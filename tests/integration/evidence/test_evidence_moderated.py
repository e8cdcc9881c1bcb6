"""Moderation: hidden, released, erased; what is erased is gone everywhere, and the chain holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from evidence_kit import Case, new_case

from cst_ledger.events import NewEvent
from cst_ledger.ledger import LOGS
from cst_relay.domain.changes import new_events
from cst_testkit.apps import Api, running_api
from cst_testkit.factories import SYSTEM
from cst_testkit.files import photo
from cst_testkit.histories import LIFECYCLE, step

SECRET = "Zebulon lives at flat 17"


@pytest.fixture
async def case(api: Api) -> Case:
    point = {"coordinates": [-74.0, 40.71], "address_hint": f"{SECRET}, left"}
    return await new_case(api, description=SECRET, location=point)


async def page(case: Case, who: str = "anybody") -> dict[str, Any]:
    options = case.as_(who)
    answer = await case.api.client.get(f"/requests/{case.id}", **options)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def comment(case: Case, message: str, who: str = "link", **fields: Any) -> str:
    path = f"/requests/{case.id}/comments"
    body = {"message": message, **fields}
    answer = await case.api.client.post(path, json=body, **case.as_(who))
    assert answer.status_code == 201, answer.text
    comment_id: str = answer.json()["comment_id"]
    return comment_id


async def comments(case: Case, who: str = "anybody") -> list[Any]:
    options = case.as_(who)
    answer = await case.api.client.get(f"/requests/{case.id}/comments", **options)
    return [item["message"] for item in answer.json()["items"]]


async def note(case: Case, message: str) -> str:
    """Write a note along with an event; return the event's id."""
    event = NewEvent("assignment_deferred", SYSTEM, message=message)
    await case.api.core.ledger("test").record(case.id, lambda _: [event])
    _, events, *_ = await case.stored()
    event_id: str = events[-1]["event_id"]
    return event_id


async def everything(case: Case) -> str:
    """Return all that the database holds of the request, readable."""
    document = await case.document()
    logs = await case.api.core.db[LOGS.name].find({"request_id": document["_id"]}).to_list()
    return repr([document, *logs])


async def done(case: Case, *words: Any) -> dict[str, Any]:
    answer = await case.moderate(*words)
    assert answer.status_code == 200, answer.text
    await case.audit()
    body: dict[str, Any] = answer.json()
    return body


async def refused(case: Case, status: int, *words: Any, **options: Any) -> str:
    before = await case.stored()
    answer = await case.moderate(*words, **options)
    assert answer.status_code == status, answer.text
    assert await case.stored() == before
    detail: str = answer.json()["detail"]
    return detail


async def test_the_words_of_a_report_are_public_once_released(case: Case) -> None:
    assert (await page(case))["description"] is None
    assert (await page(case, "link"))["description"] == SECRET
    await refused(case, 409, "hide", "text")
    await done(case, "release", "text")
    assert (await page(case))["description"] == SECRET
    assert "address_hint" not in await page(case)
    await refused(case, 409, "release", "text")
    await done(case, "hide", "text")
    assert (await page(case))["description"] is None
    assert (await page(case, "auditor"))["internal"]["notes"] == ["because", "because"]


async def test_what_was_hidden_since_does_not_show_in_the_past(case: Case) -> None:
    item = await case.add(photo(), "agent", visibility="public")
    await done(case, "release", "text")
    instant = (await case.document())["timestamps"]["updated_at"].isoformat()
    await asyncio.sleep(0.01)  # the past ends before what follows
    await done(case, "hide", "text")
    await done(case, "hide", "evidence", item["evidence_id"])
    options = {"params": {"as_of": instant}}
    past = (await case.api.client.get(f"/requests/{case.id}", **options)).json()
    assert (past["description"], past["photos"]) == (None, [])
    options["headers"] = case.api.as_("auditor")
    past = (await case.api.client.get(f"/requests/{case.id}", **options)).json()
    assert past["text_public"] is True


async def test_a_photo_is_public_once_released(case: Case) -> None:
    item = await case.add(photo())
    target = ("evidence", item["evidence_id"])
    assert (await case.get(item["url"], "anybody")).status_code == 404
    await refused(case, 409, "hide", *target)
    await done(case, "release", *target)
    assert (await case.get(item["url"], "anybody")).status_code == 200
    assert (await page(case))["photos"] == [item["url"]]
    await refused(case, 409, "release", *target)
    await done(case, "hide", *target)
    assert (await case.get(item["url"], "anybody")).status_code == 404
    assert (await case.get(item["url"], "link")).status_code == 200


async def test_a_citizens_comment_is_public_once_released(case: Case) -> None:
    target = ("comment", await comment(case, SECRET))
    assert await comments(case) == []
    await done(case, "release", *target)
    assert await comments(case) == [SECRET]
    await refused(case, 409, "release", *target)
    await done(case, "hide", *target)
    assert await comments(case) == []
    assert await comments(case, "link") == [SECRET]
    internal = await comment(case, "for us", "agent", visibility="internal")
    await refused(case, 409, "release", "comment", internal)


async def test_a_hidden_comment_of_staff_is_gone_for_the_reporter_too(case: Case) -> None:
    target = await comment(case, "oops", "dispatcher", visibility="public")
    assert await comments(case, "link") == ["oops"]
    await done(case, "hide", "comment", target)
    assert await comments(case, "link") == await comments(case) == []
    assert await comments(case, "auditor") == ["oops"]


@pytest.mark.parametrize("shares", [True, False])
async def test_a_hidden_request_comes_back_as_public_as_it_may_be(api: Api, shares: bool) -> None:
    case = await new_case(api, share_publicly=shares)
    was = (await case.document())["public"]
    assert was == ("exact" if shares else "area")
    await refused(case, 409, "release", "request")
    assert (await done(case, "hide", "request"))["public"] == "none"
    assert (await case.get(f"/requests/{case.id}", "anybody")).status_code == 404
    await refused(case, 409, "hide", "request")
    assert (await done(case, "release", "request"))["public"] == was
    _, events, *_ = await case.stored()
    assert [e["meta"]["to_public"] for e in events[1:]] == ["none", was]


async def test_a_request_that_its_category_hides_is_not_released(api: Api) -> None:
    case = await new_case(api, category="homeless_assistance")
    assert "lets it be: none" in await refused(case, 409, "release", "request")


async def test_an_erased_description_is_gone_everywhere(case: Case) -> None:
    await done(case, "release", "text")
    assert SECRET in await everything(case)
    body = await done(case, "redact", "text")
    assert body["description"] is None
    assert body["location"]["address_hint"] is None
    assert SECRET not in await everything(case)
    for who in ("anybody", "link", "auditor"):
        assert SECRET not in repr(await page(case, who))
    _, events, *_ = await case.stored()
    assert events[0]["meta"]["text_digest"]
    assert events[0]["meta"]["salt"] is None
    assert [e["type"] for e in events] == ["created", "released", "redacted"]
    await refused(case, 409, "redact", "text")
    await refused(case, 409, "release", "text")
    found = await case.api.client.get("/requests", params={"category": "pothole", "limit": 200})
    assert found.status_code == 200


async def test_erasing_publishes_the_redaction_alone(case: Case) -> None:
    """An erasure leaves ``last_seq`` alone, so that the relay passes it over."""
    db = case.api.core.db
    async with await db[LOGS.name].watch() as changes:
        await done(case, "redact", "text")
        seen = [await anext(changes), await anext(changes)]
    erasure, append = [change["updateDescription"]["updatedFields"] for change in seen]
    assert set(erasure) == {
        "event_stream.0.meta.message",
        "event_stream.0.meta.address_hint",
        "event_stream.0.meta.salt",
    }
    assert set(erasure.values()) == {None}
    assert "last_seq" in append
    assert [event["type"] for event in new_events(seen[1]) or []] == ["redacted"]


async def test_notes_are_erased_one_by_one_and_keep_their_places(case: Case) -> None:
    first, second = await note(case, "one"), await note(case, SECRET + " too")
    await note(case, "three")
    body = await done(case, "redact", "note", second)
    assert body["internal"]["notes"] == ["one", None, "three", "because"]
    assert SECRET + " too" not in await everything(case)
    await refused(case, 409, "redact", "note", second)
    assert (await done(case, "redact", "note", first))["internal"]["notes"][0] is None
    _, events, *_ = await case.stored()
    await refused(case, 422, "redact", "note", events[0]["event_id"])
    reason = events[-1]["event_id"]
    assert (await done(case, "redact", "note", reason))["internal"]["notes"][-2:] == [
        None,
        "because",
    ]


async def test_notes_are_erased_in_later_buckets_too(case: Case) -> None:
    for number in range(105):
        last = await note(case, f"note {number}")
    body = await done(case, "redact", "note", last)
    assert body["internal"]["notes"][-2:] == [None, "because"]
    assert "note 104" not in await everything(case)


async def test_a_corrected_place_forgets_its_hint_with_the_text(case: Case) -> None:
    meta = {"from_zone_id": "MN03", "to_zone_id": "MN03"}
    moved = NewEvent("location_changed", SYSTEM, meta=meta, message="moved", address_hint=SECRET)
    await case.api.core.ledger("test").record(case.id, lambda _: [moved])
    body = await done(case, "redact", "text")
    assert body["location"]["address_hint"] is None
    assert body["internal"]["notes"] == [None, "because"]
    assert SECRET not in await everything(case)


async def test_a_note_takes_the_hint_that_it_gave_along(case: Case) -> None:
    meta = {"from_zone_id": "MN03", "to_zone_id": "MN03"}
    moved = NewEvent("location_changed", SYSTEM, meta=meta, message="moved", address_hint="X 1")
    await case.api.core.ledger("test").record(case.id, lambda _: [moved])
    _, events, *_ = await case.stored()
    body = await done(case, "redact", "note", events[-1]["event_id"])
    assert body["location"]["address_hint"] is None
    assert body["description"] == SECRET


async def test_an_erased_comment_keeps_its_place_in_the_thread(case: Case) -> None:
    target = await comment(case, SECRET + " as well")
    await comment(case, "a reply", "dispatcher", parent_comment_id=target, visibility="public")
    await done(case, "release", "comment", target)
    await done(case, "redact", "comment", target)
    assert await comments(case) == [None, "a reply"]
    assert SECRET + " as well" not in await everything(case)
    await refused(case, 409, "redact", "comment", target)
    await refused(case, 409, "release", "comment", target)


async def test_the_comment_of_a_rating_is_erased_in_both_places(case: Case) -> None:
    await refused(case, 422, "redact", "comment", "rating")
    done_work = [step(status) for status in LIFECYCLE[:4]]
    await case.api.core.ledger("test").record(case.id, lambda _: done_work)
    rating = {"rating": 1, "comment": SECRET + " still"}
    path = f"/requests/{case.id}/rating"
    answer = await case.api.client.post(path, json=rating, params=case.link)
    assert answer.status_code in (200, 201), answer.text
    assert SECRET + " still" in await everything(case)
    await done(case, "redact", "comment", "rating")
    assert SECRET + " still" not in await everything(case)
    log = await case.api.core.db[LOGS.name].find_one({"request_id": (await case.document())["_id"]})
    assert log is not None
    assert (log["citizen_feedback"]["rating"], log["citizen_feedback"]["comment"]) == (1, None)
    await refused(case, 409, "redact", "comment", "rating")


async def test_an_erased_file_is_gone(case: Case) -> None:
    kept, item = await case.add(photo()), await case.add(photo(), "agent", visibility="public")
    files, chunks, _ = await case.files()
    body = await done(case, "redact", "evidence", item["evidence_id"])
    gone = body["evidence"][1]
    assert (gone["url"], gone["visibility"], gone["sha256"]) == (None, "internal", item["sha256"])
    assert await case.files() == (files - 1, chunks - 1, 0)
    for who in ("anybody", "link", "auditor"):
        assert (await case.get(item["url"], who)).status_code == 404
    assert (await case.get(kept["url"])).status_code == 200
    assert (await page(case))["photos"] == []
    for action in ("redact", "release", "hide"):
        await refused(case, 409, action, "evidence", item["evidence_id"])


async def test_the_address_of_what_lies_elsewhere_is_erased(case: Case) -> None:
    url = "https://photos.example.org/zebulon"
    added = (await case.refer({"type": "photo", "url": url, "sha256": "ab" * 32})).json()
    db = case.api.core.db
    assert await db["evidence_links"].count_documents({"url": url}) == 1
    await done(case, "redact", "evidence", added["evidence_id"])
    assert await db["evidence_links"].count_documents({"url": url}) == 0
    assert url not in await everything(case)
    assert (await case.get(added["url"], "auditor")).status_code == 404


async def test_of_many_that_erase_at_once_one_does(case: Case) -> None:
    words = [case.moderate("redact", "text") for _ in range(20)]
    answers = await asyncio.gather(*words)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    await case.audit()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "hide"}, "target"),
        ({"action": "erase", "target": "text"}, "action"),
        ({"action": "hide", "target": "everything"}, "target"),
        ({"action": "hide", "target": "note", "target_id": "x"}, "target"),
        ({"action": "redact", "target": "request"}, "target"),
        ({"action": "hide", "target": "text", "target_id": "x"}, "target_id"),
        ({"action": "hide", "target": "comment"}, "target_id"),
        ({"action": "hide", "target": "comment", "target_id": "x"}, "target_id"),
        ({"action": "redact", "target": "evidence", "target_id": "x"}, "target_id"),
        ({"action": "redact", "target": "note", "target_id": "x"}, "target_id"),
        ({"action": "redact", "target": "text", "reason": ""}, "reason"),
        ({"action": "redact", "target": "text", "reason": "x" * 1001}, "reason"),
        ({"action": "redact", "target": "text", "colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_command_is_refused_and_nothing_is_changed(
    case: Case, body: dict[str, Any], field: str
) -> None:
    before = await case.stored()
    path = f"/requests/{case.id}/moderation"
    answer = await case.api.client.post(path, json=body, headers=case.api.as_("supervisor"))
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await case.stored() == before


@pytest.mark.parametrize(
    ("who", "status"),
    [("anybody", 401), ("link", 401), ("citizen", 403), ("agent", 403), ("auditor", 403)],
)
async def test_only_staff_moderate(case: Case, who: str, status: int) -> None:
    before = await case.stored()
    path = f"/requests/{case.id}/moderation"
    body = {"action": "release", "target": "text"}
    answer = await case.api.client.post(path, json=body, **case.as_(who))
    assert answer.status_code == status
    assert await case.stored() == before


async def test_a_dispatcher_hides_and_releases_but_does_not_erase(case: Case) -> None:
    assert (await case.moderate("release", "text", who="dispatcher")).status_code == 200
    await refused(case, 403, "redact", "text", who="dispatcher")


async def test_a_city_may_show_words_and_photos_at_once(mongo_uri: str) -> None:
    async with running_api(mongo_uri) as api:
        spec = {"$set": {"spec.free_text": "open"}}
        await api.core.db["cities"].update_one({"_id": "new-york"}, spec)
        case = await new_case(api, description=SECRET)
        item, held = await case.add(photo()), await case.add(photo(), visibility="internal")
        target = await comment(case, "mine")
        shown = await page(case)
        assert (shown["description"], shown["photos"]) == (SECRET, [item["url"]])
        assert held["visibility"] == "internal"
        assert await comments(case) == ["mine"]
        await done(case, "hide", "comment", target)
        await done(case, "hide", "text")
        assert await comments(case) == []
        assert (await page(case))["description"] is None
