"""Where files are kept: both stores promise the same, and the sweep finds what is nobody's."""

from __future__ import annotations

import io
import os
import socket
from datetime import timedelta
from typing import Any, BinaryIO

import pytest
from evidence_kit import new_case

from cst_core.clock import wall_now
from cst_core.errors import ConfigError, Unavailable
from cst_core.settings import Settings, load_settings
from cst_intake.evidence_store import EvidenceStore, FileKey, evidence_store
from cst_mongo.client import Database
from cst_testkit.apps import Api, running_api
from cst_testkit.files import photo

CONTENT = os.urandom(700_000)
KEY = FileKey("CST-2026-0001", "file-1")
LATER = timedelta(seconds=5)
NO_AGE = timedelta(seconds=-5)


async def content(store: EvidenceStore, key: FileKey) -> bytes | None:
    pieces = await store.open(key)
    return None if pieces is None else b"".join([piece async for piece in pieces])


async def keys(store: EvidenceStore, *, older_by: timedelta) -> list[FileKey]:
    return [key async for key in store.older_than(wall_now() + older_by)]


async def test_a_file_is_kept_until_it_is_deleted(store: EvidenceStore) -> None:
    assert await content(store, KEY) is None
    await store.put(KEY, io.BytesIO(CONTENT), len(CONTENT), "image/jpeg")
    assert await content(store, KEY) == CONTENT
    assert KEY in await keys(store, older_by=LATER)
    assert KEY not in await keys(store, older_by=-timedelta(hours=1))
    await store.delete(KEY)
    await store.delete(KEY)
    assert await content(store, KEY) is None
    assert await keys(store, older_by=LATER) == []


class Broken(io.BytesIO):
    """A file whose disk fails after its first part."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() + (size or 0) > 300_000:
            raise OSError("disk")
        return super().read(size)


async def test_of_a_file_that_breaks_off_nothing_is_shown(store: EvidenceStore) -> None:
    broken: BinaryIO = Broken(CONTENT)
    with pytest.raises((OSError, Unavailable)):
        await store.put(KEY, broken, len(CONTENT), "image/jpeg")
    assert await content(store, KEY) is None
    assert await keys(store, older_by=LATER) == []


async def test_the_sweep_takes_chunks_whose_file_was_never_completed(db: Database) -> None:
    store = evidence_store(load_settings(Settings, _env_file=None), db)
    await store.put(KEY, io.BytesIO(CONTENT), len(CONTENT), "image/jpeg")
    chunks = db["evidence.chunks"]
    await db["evidence.files"].delete_one({"_id": KEY.evidence_id})
    assert await store.sweep_remains(wall_now() - timedelta(hours=1)) == 0
    assert await chunks.count_documents({}) > 1
    assert await store.sweep_remains(wall_now() + LATER) == 1
    assert await chunks.count_documents({}) == 0


async def sweep_keeps_what_is_held(api: Api) -> None:
    """Upload, leave a dead process's file and an erased one behind, and sweep."""
    case, service = await new_case(api), api.app.state.intake.evidence
    store: EvidenceStore = service._store
    held, erased = await case.add(photo()), await case.add(photo())
    assert (await case.moderate("redact", "evidence", erased["evidence_id"])).status_code == 200
    orphans = [
        FileKey(case.id, "orphan"),
        FileKey("CST-1999-0001", "another"),
        FileKey(case.id, erased["evidence_id"]),
    ]
    for key in orphans:
        await store.put(key, io.BytesIO(b"x"), 1, "text/plain")
    assert (await service.sweep()).files == 0, "what is young may be under way"
    assert (await service.sweep(older_than=NO_AGE, dry_run=True)).files == 3
    assert (await service.sweep(older_than=NO_AGE)).files == 3
    assert (await service.sweep(older_than=NO_AGE)).files == 0
    for key in orphans:
        assert await content(store, key) is None
    assert (await case.get(held["url"])).status_code == 200
    assert (await case.get(erased["url"])).status_code == 404


async def test_the_sweep_keeps_what_a_request_holds(api: Api) -> None:
    await sweep_keeps_what_is_held(api)


async def test_the_whole_api_over_s3(mongo_uri: str, s3_values: dict[str, Any]) -> None:
    async with running_api(mongo_uri, **s3_values) as api:
        await sweep_keeps_what_is_held(api)
        assert await api.core.db["evidence.files"].count_documents({}) == 0


async def test_where_the_store_is_gone_nothing_is_stored(mongo_uri: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"evidence_store": "s3", "s3_endpoint": f"http://127.0.0.1:{port}"}
    keys = {"s3_access_key": "test", "s3_secret_key": "test"}
    async with running_api(mongo_uri, **values, **keys) as api:
        case = await new_case(api)
        before = await case.stored()
        answer = await case.send(photo())
        assert answer.status_code == 503
        assert await case.stored() == before


@pytest.mark.parametrize(
    "values",
    [
        {"s3_endpoint": ""},
        {"s3_endpoint": "s3.example.org"},
        {"s3_endpoint": "https://s3.example.org/bucket"},
        {"s3_access_key": ""},
        {"s3_secret_key": None},
    ],
)
def test_a_missing_setting_is_one_line(values: dict[str, Any], db: Database) -> None:
    whole = {
        "evidence_store": "s3",
        "s3_endpoint": "https://s3.example.org",
        "s3_access_key": "k",
        "s3_secret_key": "secret",
    }
    settings = load_settings(Settings, _env_file=None, **(whole | values))
    with pytest.raises(ConfigError, match=r"^CST_[^\n]*$"):
        evidence_store(settings, db)
