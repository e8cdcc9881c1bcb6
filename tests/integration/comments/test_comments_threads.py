"""Comments: who writes which, who sees which, in pages, and what a refused one leaves behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from cst_ledger.ledger import LOGS
from cst_ledger.verify import verify_one
from cst_ledger.wire import cloud_event
from cst_testkit.apps import Api, report
from cst_testkit.histories import LIFECYCLE, step

CITIZEN = "5f0000000000000000000001"


class Thread:
    """A request, its reporter's link, and its comments."""

    def __init__(self, api: Api, filed: dict[str, Any]) -> None:
        self.api = api
        self.id: str = filed["request_id"]
        self.link = {"follow": filed["follow_url"].rpartition("=")[2]}

    async def post(
        self, message: str, *roles: str, link: bool = False, **fields: Any
    ) -> httpx.Response:
        return await self.api.client.post(
            f"/requests/{self.id}/comments",
            json={"message": message, **fields},
            headers=self.api.as_(*roles) if roles else {},
            params=self.link if link else {},
        )

    async def write(self, message: str, *roles: str, **fields: Any) -> str:
        answer = await self.post(message, *roles, link=not roles, **fields)
        assert answer.status_code == 201, answer.text
        comment_id: str = answer.json()["comment_id"]
        return comment_id

    async def read(self, *roles: str, link: bool = False, **query: Any) -> dict[str, Any]:
        answer = await self.api.client.get(
            f"/requests/{self.id}/comments",
            headers=self.api.as_(*roles) if roles else {},
            params=query | (self.link if link else {}),
        )
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def seen(self, *roles: str, link: bool = False) -> list[str | None]:
        return [c["message"] for c in (await self.read(*roles, link=link))["items"]]

    async def stored(self) -> tuple[Any, Any]:
        document = await self.api.core.db["service_requests"].find_one({"request_id": self.id})
        assert document is not None
        log = await self.api.core.db[LOGS.name].find_one({"request_id": document["_id"]})
        return document, log


Start = Callable[..., Awaitable[Thread]]


@pytest.fixture
def start(api: Api) -> Start:
    async def started(**overrides: Any) -> Thread:
        return Thread(api, await api.file(**overrides))

    return started


async def test_each_sees_what_is_theirs_to_see(start: Start) -> None:
    thread = await start()
    await thread.write("It has grown")
    await thread.write("We come on Friday", "dispatcher", visibility="public")
    await thread.write("Needs the big roller", "agent", visibility="internal")
    await thread.write("Ask Bo", "supervisor")
    everything = ["It has grown", "We come on Friday", "Needs the big roller", "Ask Bo"]
    assert await thread.seen("auditor") == everything
    assert await thread.seen("agent") == everything
    assert await thread.seen(link=True) == ["It has grown", "We come on Friday"]
    assert await thread.seen() == ["We come on Friday"]
    assert await thread.seen("citizen") == ["We come on Friday"]


async def test_only_staff_and_agents_learn_who_wrote_and_what_is_shown(start: Start) -> None:
    thread = await start()
    await thread.write("It has grown")
    await thread.write("We come on Friday", "dispatcher", visibility="public")
    inside = (await thread.read("auditor"))["items"]
    assert [(c["author"]["actor_id"], c["shown"]) for c in inside] == [
        ("anonymous", False),
        ("tester", True),
    ]
    outside = (await thread.read(link=True))["items"]
    assert [(c["author"], c["shown"]) for c in outside] == [
        ({"actor_type": "citizen", "actor_id": None}, None),
        ({"actor_type": "staff", "actor_id": None}, None),
    ]


async def test_a_citizen_writes_by_token_too(api: Api) -> None:
    headers = api.as_("citizen", subject=CITIZEN)
    body = report(citizen_ref={"citizen_id": CITIZEN, "anonymous": False})
    filed = await api.client.post("/requests/", json=body, headers=headers)
    thread = Thread(api, filed.json())
    path = f"/requests/{thread.id}/comments"
    answer = await api.client.post(path, json={"message": "mine"}, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["author"] == {"actor_type": "citizen", "actor_id": None}
    assert (await thread.read("auditor"))["items"][0]["author"]["actor_id"] == CITIZEN


async def test_replies_name_their_parent_and_a_comment_moves_no_version(start: Start) -> None:
    thread = await start()
    before, _ = await thread.stored()
    first = await thread.write("It has grown")
    reply = await thread.write("Thanks", "dispatcher", parent_comment_id=first, visibility="public")
    await thread.write("You are welcome", parent_comment_id=reply)
    items = (await thread.read(link=True))["items"]
    assert [c["parent_comment_id"] for c in items] == [None, first, reply]
    after, log = await thread.stored()
    assert after["version"] == before["version"]
    assert after["ledger"]["seq"] == before["ledger"]["seq"] + 3
    event = log["event_stream"][-1]
    assert event["type"] == "comment"
    assert event["meta"]["message"] == "You are welcome"
    assert event["meta"]["parent_comment_id"] == reply
    published = repr(cloud_event(event, "new-york"))
    assert "You are welcome" not in published
    assert event["meta"]["salt"] not in published
    assert (await verify_one(thread.api.core.db, thread.id)).problems == []


async def test_pages_hold_every_comment_once_in_order_over_buckets(start: Start) -> None:
    thread = await start()
    texts = [f"comment {number}" for number in range(105)]
    for text in texts:
        await thread.write(text, "dispatcher", visibility="public")
    for roles in (("auditor",), ()):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await thread.read(*roles, limit=20, **cursor)
            assert len(page["items"]) <= 20
            seen += [c["message"] for c in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == texts


async def test_staff_may_still_comment_on_what_is_closed_and_citizens_not(
    start: Start, api: Api
) -> None:
    thread = await start()
    steps = [step(status) for status in LIFECYCLE]
    await api.core.ledger("test").record(thread.id, lambda _: steps)
    before = await thread.stored()
    answer = await thread.post("Not done!", link=True)
    assert answer.status_code == 409
    assert "closed" in answer.json()["detail"]
    assert await thread.stored() == before
    await thread.write("For the record", "dispatcher")


@pytest.mark.parametrize(
    ("who", "fields", "field"),
    [
        ("link", {"message": ""}, "message"),
        ("link", {"message": " \n "}, "message"),
        ("link", {"message": "x" * 4001}, "message"),
        ("link", {"message": 7}, "message"),
        ("link", {}, "message"),
        ("link", {"message": "a", "visibility": "internal"}, "visibility"),
        ("link", {"message": "a", "visibility": "friends"}, "visibility"),
        ("link", {"message": "a", "colour": "red"}, "colour"),
        ("link", {"message": "a", "parent_comment_id": "nobody"}, "parent_comment_id"),
        ("link", {"message": "a", "parent_comment_id": "INTERNAL"}, "parent_comment_id"),
        ("dispatcher", {"message": "a", "parent_comment_id": "x" * 65}, "parent_comment_id"),
        (
            "dispatcher",
            {"message": "a", "parent_comment_id": "INTERNAL", "visibility": "public"},
            "visibility",
        ),
    ],
)
async def test_a_wrong_comment_is_refused_and_nothing_is_stored(
    start: Start, api: Api, who: str, fields: dict[str, Any], field: str
) -> None:
    thread = await start()
    internal = await thread.write("for us", "agent")
    before = await thread.stored()
    body = {k: internal if v == "INTERNAL" else v for k, v in fields.items()}
    answer = await api.client.post(
        f"/requests/{thread.id}/comments",
        json=body,
        params=thread.link if who == "link" else {},
        headers={} if who == "link" else api.as_(who),
    )
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await thread.stored() == before


@pytest.mark.parametrize(
    ("roles", "category", "status"),
    [
        ((), "pothole", 401),
        (("citizen",), "pothole", 403),
        (("auditor",), "pothole", 403),
        ((), "sewer_backup", 404),
        (("citizen",), "homeless_assistance", 404),
    ],
)
async def test_who_may_not_comment_is_refused_and_nothing_is_stored(
    start: Start, roles: tuple[str, ...], category: str, status: int
) -> None:
    thread = await start(category=category)
    before = await thread.stored()
    answer = await thread.post("hello", *roles)
    assert answer.status_code == status, answer.text
    assert await thread.stored() == before


async def test_a_link_of_another_request_opens_nothing(start: Start, api: Api) -> None:
    thread, other = await start(category="sewer_backup"), await start()
    thread.link = other.link
    assert (await thread.post("hello", link=True)).status_code == 404
    answer = await api.client.get(f"/requests/{thread.id}/comments", params=thread.link)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "cursor", ["nonsense", "c2VxOi0x", "c2VxOng", "%C3%A9", "c2VxOjk5OTk5OTk5OTk5"]
)
async def test_a_cursor_that_is_none_is_refused(start: Start, api: Api, cursor: str) -> None:
    thread = await start()
    for path in ("comments", "events"):
        answer = await api.client.get(f"/requests/{thread.id}/{path}?cursor={cursor}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_get_of_the_link_writes_nothing(start: Start, api: Api) -> None:
    thread = await start()
    before = await thread.stored()
    for path in ("", "/comments", "/events", "/evidence"):
        answer = await api.client.get(f"/requests/{thread.id}{path}", params=thread.link)
        assert answer.status_code == 200
    assert await thread.stored() == before
