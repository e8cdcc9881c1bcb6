"""Evidence on its way in and out: cleaned, counted, shown to whom it may be, or refused."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from evidence_kit import Case, new_case
from PIL import Image

from cst_ledger.wire import cloud_event
from cst_testkit.apps import Api
from cst_testkit.files import DEVICE, HOSTILE, film, pdf, photo, plain_photo
from cst_testkit.histories import LIFECYCLE, step

MIB = 1 << 20
SHA = "ab" * 32
URL = "https://photos.example.org/p/17?size=l"


@pytest.fixture
async def case(api: Api) -> Case:
    return await new_case(api)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_comes_back_without_what_it_told(case: Case, kind: str) -> None:
    sent = photo(kind)
    added = await case.add(sent, sha256=hashlib.sha256(sent).hexdigest())
    answer = await case.get(added["url"])
    assert answer.status_code == 200
    assert added["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert added["sent_sha256"] == hashlib.sha256(sent).hexdigest()
    assert added["size"] == len(answer.content)
    assert answer.headers["content-type"] == f"image/{kind.lower()}"
    picture = Image.open(io.BytesIO(answer.content))
    assert not picture.getexif()
    assert not picture.getexif().get_ifd(0x8825)
    async for chunk in case.api.core.db["evidence.chunks"].find({"files_id": added["evidence_id"]}):
        assert DEVICE.encode() not in chunk["data"]
        assert b"Zebulon" not in chunk["data"]
    await case.audit()


async def test_a_file_is_sent_so_that_nothing_in_it_runs(case: Case) -> None:
    added = await case.add(pdf(), "agent", visibility="public")
    answer = await case.get(added["url"], "anybody")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    name = f"{case.id}-{added['evidence_id']}.pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    again = await case.get(added["url"], "anybody", **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    ("content", "kind"), [(plain_photo("PNG"), "photo"), (film(), "video"), (b"Hello", "file")]
)
async def test_the_event_says_what_was_added_and_no_more(
    case: Case, content: bytes, kind: str
) -> None:
    added = await case.add(content, "dispatcher", visibility="public")
    document, events, *_ = await case.stored()
    assert document["evidence"][0]["type"] == kind
    assert document["version"] == 2
    event = events[-1]
    assert event["type"] == "evidence_added"
    data = cloud_event(event, "new-york")["data"]
    assert data["evidence_id"] == added["evidence_id"]
    assert (data["evidence_type"], data["uploaded_by"], data["visibility"]) == (
        kind,
        "staff",
        "public",
    )


async def test_each_sees_what_is_theirs_to_see(case: Case) -> None:
    mine = (await case.add(photo(), visibility="public"))["evidence_id"]
    shown = (await case.add(photo(), "agent", visibility="public"))["evidence_id"]
    internal = (await case.add(photo(), "dispatcher"))["evidence_id"]
    assert await case.listed("auditor") == [mine, shown, internal]
    assert await case.listed("link") == [mine, shown]
    assert await case.listed("anybody") == [shown]
    for who, seen in (("anybody", [shown]), ("link", [mine, shown]), ("agent", [internal])):
        for evidence_id in (mine, shown, internal):
            status = (await case.get(f"{case.path}/{evidence_id}", who)).status_code
            assert status == (200 if evidence_id in seen or who == "agent" else 404)
    page = (await case.api.client.get(f"/requests/{case.id}")).json()
    assert page["photos"] == [f"{case.path}/{shown}"]


@pytest.mark.parametrize("category", ["sewer_backup", "homeless_assistance"])
async def test_what_is_not_public_to_the_point_shows_nobody_a_photo(
    api: Api, category: str
) -> None:
    case = await new_case(api, category=category)
    added = await case.add(photo(), "agent", visibility="public")
    assert (await case.get(added["url"], "anybody")).status_code == 404
    assert (await case.get(case.path, "anybody")).status_code == 404
    assert (await case.get(added["url"], "link")).status_code == 200


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_a_hostile_file_is_refused_and_nothing_is_left(case: Case, name: str) -> None:
    before = await case.stored()
    answer = await case.send(HOSTILE[name])
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["file"]
    assert answer.json()["errors"][0]["allowed"]
    assert await case.stored() == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "video"}, "type"),
        ({"type": "virus"}, "type"),
        ({"visibility": "friends"}, "visibility"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"sha256": "zz"}, "sha256"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_field_is_refused_and_nothing_is_left(
    case: Case, fields: dict[str, str], field: str
) -> None:
    before = await case.stored()
    answer = await case.send(photo(), **fields)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await case.stored() == before


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nx\r\n'
TAIL = b"--b--\r\n"


@pytest.mark.parametrize(
    ("content", "headers", "field"),
    [
        (b"", {}, "Content-Type"),
        (b"x", {"Content-Type": "image/jpeg"}, "Content-Type"),
        (b"<a/>", {"Content-Type": "application/xml"}, "Content-Type"),
        (b"x", {"Content-Type": "multipart/form-data"}, "body"),
        (b"garbage", FORM, "body"),
        (b"", FORM, "file"),
        (PART % (b"file", b"") + TAIL, FORM, "file"),
        (PART % (b"photo", b'; filename="x"') + TAIL, FORM, "photo"),
        (PART % (b"file", b'; filename="x"') * 2 + TAIL, FORM, "body"),
        (PART % (b"type", b"") * 2 + TAIL, FORM, "type"),
        (PART % (b"type", b"") * 9 + TAIL, FORM, "body"),
        (b"{", {"Content-Type": "application/json"}, "0"),
        (b"\xff", {"Content-Type": "application/json"}, "0"),
    ],
)
async def test_a_broken_body_is_refused_and_nothing_is_left(
    case: Case, content: bytes, headers: dict[str, str], field: str
) -> None:
    before = await case.stored()
    answer = await case.api.client.post(
        case.path, content=content, headers=headers, params=case.link
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] in (field, "body")
    assert await case.stored() == before


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_over_the_limit_is_too_large(case: Case, announced: bool) -> None:
    before = await case.stored()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        for _ in range(21):
            yield b"a" * MIB

    content: Any = head + b"a" * (21 * MIB) if announced else pieces()
    answer = await case.api.client.post(case.path, content=content, headers=FORM, params=case.link)
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/too-large"
    assert await case.stored() == before


async def test_large_bodies_are_for_this_route_alone(case: Case) -> None:
    large = b"a" * (2 * MIB)
    assert (await case.send(large)).status_code == 201
    for path in (f"/requests/{case.id}/comments", "/requests/"):
        answer = await case.api.client.post(path, content=large, params=case.link)
        assert answer.status_code == 413
    answer = await case.api.client.post(
        case.path,
        content=b" " * (2 * MIB),
        headers={"Content-Type": "application/json"},
        params=case.link,
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("who", "category", "status"),
    [
        ("anybody", "pothole", 401),
        ("citizen", "pothole", 403),
        ("auditor", "pothole", 403),
        ("anybody", "sewer_backup", 404),
    ],
)
async def test_who_may_not_add_is_refused_and_nothing_is_left(
    api: Api, who: str, category: str, status: int
) -> None:
    case = await new_case(api, category=category)
    before = await case.stored()
    assert (await case.send(photo(), who)).status_code == status
    body = {"type": "photo", "url": URL, "sha256": SHA}
    assert (await case.refer(body, who)).status_code == status
    assert await case.stored() == before


async def test_citizens_add_nothing_to_what_is_closed(case: Case) -> None:
    steps = [step(status) for status in LIFECYCLE]
    await case.api.core.ledger("test").record(case.id, lambda _: steps)
    before = await case.stored()
    assert (await case.send(photo())).status_code == 409
    assert await case.stored() == before
    await case.add(photo(), "agent")


async def test_of_many_at_once_as_many_as_may_be_are_kept(case: Case) -> None:
    for _ in range(15):
        await case.add(b"a text", "agent")
    files, chunks, _ = await case.files()
    answers = await asyncio.gather(*(case.send(b"a text", "agent") for _ in range(12)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 5 + [409] * 7
    assert len((await case.document())["evidence"]) == 20
    assert await case.files() == (files + 5, chunks + 5, 0)
    await case.audit()


async def test_what_lies_elsewhere_is_referred_to(case: Case) -> None:
    body = {"type": "video", "url": URL, "sha256": SHA, "visibility": "public"}
    added = (await case.refer(body, "dispatcher")).json()
    assert (added["type"], added["size"], added["content_type"]) == ("video", None, None)
    answer = await case.get(added["url"], "anybody")
    assert answer.status_code == 307
    assert answer.headers["location"] == URL
    assert answer.headers["referrer-policy"] == "no-referrer"
    hidden = (await case.refer(body)).json()
    assert hidden["visibility"] == "internal"
    assert (await case.get(hidden["url"], "anybody")).status_code == 404
    assert URL not in repr(await case.stored())
    await case.audit()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://photos.example.org/1"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "ftp://photos.example.org/1"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://ana:secret@photos.example.org/1"}, "url"),
        ({"url": "https://ana@photos.example.org/1"}, "url"),
        ({"url": "https://photos.example.org\\@evil.org/"}, "url"),
        ({"url": "https://photos.example.org:8443/1"}, "url"),
        ({"url": "https://photos.example.org:99999/1"}, "url"),
        ({"url": "https://localhost/1"}, "url"),
        ({"url": "https://db.internal/1"}, "url"),
        ({"url": "https://printer/1"}, "url"),
        ({"url": "https://127.0.0.1/1"}, "url"),
        ({"url": "https://10.0.0.8/1"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://2130706433/1"}, "url"),
        ({"url": "https://0x7f.1/1"}, "url"),
        ({"url": "https://[::1]/1"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/1"}, "url"),
        ({"url": "https://photos.example.org/a b"}, "url"),
        ({"url": "https://photos.example.org/\n1"}, "url"),
        ({"url": "https://photos.example.org/é"}, "url"),
        ({"url": "https://photos.example.org/" + "x" * 2000}, "url"),
        ({"sha256": "AB" * 32}, "sha256"),
        ({"sha256": None}, "sha256"),
        ({"type": "page"}, "type"),
        ({"visibility": "all"}, "visibility"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_reference_is_refused_and_nothing_is_left(
    case: Case, change: dict[str, Any], field: str
) -> None:
    before = await case.stored()
    answer = await case.refer({"type": "photo", "url": URL, "sha256": SHA} | change)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await case.stored() == before
