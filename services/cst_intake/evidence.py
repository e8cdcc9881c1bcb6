"""Evidence: added by upload or by reference, listed, sent, and swept.

A file is stored first, then its event is written. Where that is refused the file is removed again;
what a dead process leaves between the two, or of an erased file, the sweep finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

import structlog

from cst_contracts.evidence import EvidenceReference, EvidenceUpload
from cst_core.clock import wall_now
from cst_core.errors import CstError, NotFound
from cst_core.ids import uuid7
from cst_http.middleware import database_deadline
from cst_http.tokens import Caller
from cst_intake.access import Access, sees_all
from cst_intake.domain import evidence as rules
from cst_intake.domain.comments import check_open_for
from cst_intake.evidence_files import Prepared, prepare
from cst_intake.evidence_store import CHUNKS, FILES, EvidenceStore, FileKey, evidence_store
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core

log = structlog.get_logger(__name__)

#: Addresses of what lies elsewhere. They are not in the ledger, so that they can be erased.
LINKS = CollectionSpec("evidence_links")
SPECS = (LINKS, FILES, CHUNKS)
#: What is larger lies on disk while it is worked on.
SPOOLED = 1 << 20
#: Files that are checked at the same time: a photo unfolds to 150 MB and more.
AT_ONCE = 2
#: Younger files may belong to a transaction that is under way.
SWEEP_AGE = timedelta(hours=1)
SWEEP_BATCH = 200


@dataclass(frozen=True, slots=True)
class Added:
    """A new piece of evidence as the request holds it, and the digest of what was sent."""

    item: Document
    sent_sha256: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who adds, and as what: a caller, and the signature of a reporter's link."""

    caller: Caller
    follow: str | None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has found: files without their event, and remains of broken uploads."""

    files: int
    remains: int


class EvidenceService:
    """Keeps the evidence of requests."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access
        self._ledger = core.ledger("intake")
        self._links = core.db[LINKS.name]
        self._store: EvidenceStore = evidence_store(core.settings, core.db)
        self._busy = asyncio.Semaphore(AT_ONCE)

    @property
    def max_bytes(self) -> int:
        """The size of the largest file."""
        return self._core.settings.evidence_max_bytes

    async def check_may_add(self, request_id: str, sender: Sender) -> None:
        """Refuse what cannot be added, before its content is read.

        Raises:
            NotFound, Unauthenticated, Forbidden, Conflict: see ``Access`` and the rules.
        """
        document = await self._ledger.load(request_id)
        by = self._access.writer(document, sender.caller, sender.follow)
        check_open_for(document, by)
        rules.check_room(document)

    async def add_file(
        self, request_id: str, file: BinaryIO, fields: EvidenceUpload, sender: Sender
    ) -> Added:
        """Check, clean and store a file, and write it into the request's history.

        Raises:
            InvalidInput: the file is not accepted; nothing of it is kept.
            NotFound, Unauthenticated, Forbidden, Conflict: as ``check_may_add``.
        """
        with SpooledTemporaryFile(max_size=SPOOLED) as target:
            async with self._busy:
                ready = await asyncio.to_thread(prepare, file, fields, cast(BinaryIO, target))
            item = await self._store_and_record(request_id, ready, fields, sender)
        return Added(item, ready.sent_sha256)

    async def _store_and_record(
        self, request_id: str, ready: Prepared, fields: EvidenceUpload, sender: Sender
    ) -> Document:
        key = FileKey(request_id, uuid7())
        try:
            with database_deadline():
                await self._store.put(key, ready.file, ready.size, ready.content.media_type)
                return await self._record_file(key, ready, fields, sender)
        except CstError:
            await self.remove_file(request_id, key.evidence_id)
            raise

    async def _record_file(
        self, key: FileKey, ready: Prepared, fields: EvidenceUpload, sender: Sender
    ) -> Document:
        return await self._record(
            key,
            sender,
            asked=fields.visibility,
            type=ready.content.kind,
            sha256=ready.sha256,
            content_type=ready.content.media_type,
            size=ready.size,
        )

    async def add_reference(
        self, request_id: str, command: EvidenceReference, sender: Sender
    ) -> Added:
        """Write what lies elsewhere into the request's history; nobody fetches it.

        Raises:
            NotFound, Unauthenticated, Forbidden, Conflict: as ``check_may_add``.
        """
        with database_deadline():
            item = await self._record(
                FileKey(request_id, uuid7()),
                sender,
                link=command.url,
                asked=command.visibility,
                type=command.type,
                sha256=command.sha256,
                content_type=None,
                size=None,
            )
        return Added(item, command.sha256)

    async def _record(
        self, key: FileKey, sender: Sender, *, asked: Any, link: str | None = None, **fields: Any
    ) -> Document:
        is_open = (await self._core.catalog.get()).city.free_text == "open"

        async def once(session: Session) -> Document:
            document = await self._ledger.load(key.request_id, session)
            by = self._access.writer(document, sender.caller, sender.follow)
            check_open_for(document, by)
            rules.check_room(document)
            visibility = rules.initial_visibility(asked, by, free_text_open=is_open)
            now = self._core.clock.now()
            item = rules.new_item(
                key.request_id, key.evidence_id, by, now, visibility=visibility, **fields
            )
            if link is not None:
                row = {"_id": key.evidence_id, "request_id": key.request_id, "url": link}
                await self._links.insert_one(row, session=session)
            await self._ledger.append(document, [rules.added(document, item, by)], session)
            return item

        return await transact(self._core.db, once)

    async def items(
        self, request_id: str, caller: Caller, follow: str | None
    ) -> tuple[Document, list[Document]]:
        """Return a request and those pieces of its evidence that the caller sees.

        Raises:
            NotFound: there is no such request for the caller.
        """
        document = await self._ledger.load(request_id)
        self._access.check_sees(document, caller, follow)
        reporter = self._access.is_reporter(document, caller, follow)
        items = rules.visible_items(document, all_of_it=sees_all(caller), reporter=reporter)
        return document, items

    async def item(
        self, request_id: str, evidence_id: str, caller: Caller, follow: str | None
    ) -> Document:
        """Return one piece that the caller sees; ``NotFound`` otherwise."""
        document, items = await self.items(request_id, caller, follow)
        return rules.one_of(items, document, evidence_id)

    async def link(self, evidence_id: str) -> str | None:
        """Return where a piece lies, where that is elsewhere."""
        row = await self._links.find_one({"_id": evidence_id})
        return None if row is None else str(row["url"])

    async def content(self, request_id: str, evidence_id: str) -> AsyncIterator[bytes]:
        """Return the pieces of a stored file; ``NotFound`` where it is gone."""
        pieces = await self._store.open(FileKey(request_id, evidence_id))
        if pieces is None:
            raise NotFound(f"the file of evidence {evidence_id} is gone")
        return pieces

    async def forget_link(self, evidence_id: str, session: Session) -> None:
        """Remove the address of what lies elsewhere, with the erasure's own transaction."""
        await self._links.delete_one({"_id": evidence_id}, session=session)

    async def remove_file(self, request_id: str, evidence_id: str) -> None:
        """Remove a file that no request holds; where that fails the sweep does it."""
        try:
            with database_deadline():
                await self._store.delete(FileKey(request_id, evidence_id))
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("evidence left for the sweep", evidence_id=evidence_id, error=str(error))

    async def sweep(self, *, older_than: timedelta = SWEEP_AGE, dry_run: bool = False) -> Swept:
        """Remove files that no request holds, and what is left of broken uploads."""
        before = wall_now() - older_than
        files, batch = 0, list[FileKey]()
        async for key in self._store.older_than(before):
            batch.append(key)
            if len(batch) == SWEEP_BATCH:
                files += await self._sweep_batch(batch, dry_run)
                batch = []
        files += await self._sweep_batch(batch, dry_run)
        return Swept(files, 0 if dry_run else await self._store.sweep_remains(before))

    async def _sweep_batch(self, keys: list[FileKey], dry_run: bool) -> int:
        wanted = {"request_id": {"$in": sorted({key.request_id for key in keys})}}
        fields = {"evidence.evidence_id": 1, "evidence.url": 1}
        cursor = self._core.db[REQUESTS.name].find(wanted, fields)
        held = {
            item["evidence_id"]
            async for document in cursor
            for item in document.get("evidence", [])
            if item["url"] is not None
        }
        orphans = [key for key in keys if key.evidence_id not in held]
        for key in orphans:
            if not dry_run:
                await self._store.delete(key)
        return len(orphans)
