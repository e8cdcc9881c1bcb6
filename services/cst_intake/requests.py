"""Intake's use cases."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from cst_contracts.requests import AuditReport, CreateRequest
from cst_core.clock import past_instant
from cst_core.errors import Forbidden, IdempotencyMismatch, NotFound, Unauthenticated
from cst_core.ids import request_number
from cst_drafts import draft_request
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_intake.domain.search import SearchQuery, after_cursor, build_filter, make_cursor
from cst_intake.domain.views import is_public
from cst_intake.repository import IntakeRepository, number_series
from cst_ledger.chain import canonical
from cst_ledger.events import By, Document
from cst_ledger.fold import happened_by
from cst_ledger.reader import as_it_stood, events_of, first_event_of
from cst_ledger.rules import DEFAULT_RULES
from cst_ledger.verify import verify_one
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core


@dataclass(frozen=True, slots=True)
class Created:
    """A created request; ``replayed`` when the key had made it before."""

    document: Document
    replayed: bool
    advice: str | None


class RequestService:
    """Creates, reads and searches requests."""

    def __init__(self, core: Core, links: FollowLinks) -> None:
        self._core = core
        self._links = links
        self._ledger = core.ledger("intake")
        self._repository = IntakeRepository(core.db)

    async def create(self, command: CreateRequest, caller: Caller, key: str | None) -> Created:
        """File a request, once per idempotency key.

        Raises:
            InvalidInput: unknown category, or outside the service area.
            IdempotencyMismatch: the key was used with another body.
            Unauthenticated, Forbidden: ``citizen_ref.citizen_id`` is not the caller's.
        """
        _check_citizen(command, caller)
        digest = hashlib.sha256(canonical(command.model_dump(mode="json"))).hexdigest()
        scope = _key_scope(caller, key)
        if scope is not None and (row := await self._repository.key(scope)) is not None:
            return await self._replay(row, digest)
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        rules = self._core.rules.version(DEFAULT_RULES)
        draft = draft_request(
            command,
            catalog=catalog,
            rules_version=rules.version,
            first_steps=rules.allowed_next("new"),
            by=By(caller.actor_type, caller.actor_id),
            now=now,
        )
        year = now.astimezone(ZoneInfo(catalog.city.timezone)).year
        request_id = await self._number(year)

        async def write(session: Session) -> Document:
            if scope is not None:
                await self._repository.use_key(scope, digest, request_id, session)
            return await self._ledger.create(request_id, draft.event, session)

        try:
            document = await transact(self._core.db, write)
        except DuplicateKeyError:
            row = await self._repository.key(scope) if scope is not None else None
            if row is None:
                raise
            return await self._replay(row, digest)
        return Created(document, replayed=False, advice=draft.advice)

    async def _number(self, year: int) -> str:
        return request_number(year, await self._core.counter.next(number_series(year)))

    async def _replay(self, row: Document, digest: str) -> Created:
        if row["digest"] != digest:
            raise IdempotencyMismatch(
                "this Idempotency-Key was used before with another body; use a new key",
                [{"field": "Idempotency-Key", "message": "was used with another body"}],
            )
        document = await self._ledger.load(row["request_id"])
        advice = None
        first = await first_event_of(self._core.db, document["_id"])
        if first["meta"].get("dangerous"):
            advice = (await self._core.catalog.get()).city.emergency_advice
        return Created(document, replayed=True, advice=advice)

    async def get(
        self, request_id: str, caller: Caller, follow: str | None, as_of: str | None = None
    ) -> Document:
        """Return a request that the caller may see (now), as it stands or as it stood.

        Raises:
            NotFound: there is none for the caller, or there was none yet.
            InvalidInput: ``as_of`` is no instant of the past.
        """
        instant = self.past(as_of)
        document = await self._ledger.load(request_id)
        if not self.may_see(document, caller, follow):
            raise NotFound(f"no request {request_id}", request_id=request_id)
        if instant is None:
            return document
        past = await as_it_stood(self._core.db, document, instant)
        if past is None:
            raise NotFound(f"no request {request_id} yet at {as_of}", request_id=request_id)
        return past

    def past(self, as_of: str | None) -> datetime | None:
        """Read the query parameter ``as_of``."""
        return None if as_of is None else past_instant("as_of", as_of, self._core.clock.now())

    def may_see(self, document: Document, caller: Caller, follow: str | None) -> bool:
        """Staff and agents see all; its reporter sees it; others what is public."""
        return (
            self.sees_all(caller)
            or is_public(document)
            or self._links.is_reporter(document, caller, follow)
        )

    @staticmethod
    def sees_all(caller: Caller) -> bool:
        return caller.is_staff or "agent" in caller.roles

    async def search(self, query: SearchQuery, caller: Caller) -> tuple[list[Document], str | None]:
        """Return a page and the cursor of the next (None on the last one).

        Raises:
            InvalidInput: a filter is wrong.
            Forbidden: an agent filter of somebody who sees the public view only.
        """
        wanted = build_filter(query)
        if not self.sees_all(caller):
            if query.assigned_agent_id is not None and caller.subject is None:
                raise Unauthenticated("assigned_agent_id: who does the work is not public")
            if query.assigned_agent_id is not None:
                raise Forbidden("assigned_agent_id: who does the work is not public")
            wanted["public"] = "exact"
        if query.cursor is not None:
            wanted = {"$and": [wanted, after_cursor(query.cursor)]}
        found = await self._repository.search(wanted, query.limit + 1)
        page = found[: query.limit]
        if len(found) <= query.limit:
            return page, None
        last = page[-1]
        return page, make_cursor(last["timestamps"]["created_at"], last["_id"])

    async def events(self, oid: ObjectId, as_of: str | None = None) -> list[Document]:
        """Return the stored events of a request, or those that had happened by ``as_of``."""
        return happened_by(await events_of(self._core.db, oid), self.past(as_of))

    async def audit(self, request_id: str) -> AuditReport:
        """Verify a request's chain and its state against it."""
        verdict = await verify_one(self._core.db, request_id)
        document = await self._ledger.load(request_id)
        return AuditReport(
            request_id=request_id,
            ok=verdict.ok,
            events=verdict.events,
            head=document["ledger"]["hash"],
            problems=verdict.problems,
        )

    async def categories(self) -> list[dict[str, Any]]:
        """Return the city's categories as citizens choose among them."""
        catalog = await self._core.catalog.get()
        return [
            {"code": item.code, "name": item.name, "department": item.department}
            for item in catalog.categories.values()
        ]

    async def zones(self) -> list[dict[str, str]]:
        """Return the city's zones, without their outlines."""
        catalog = await self._core.catalog.get()
        return [{"zone_id": key, "name": name} for key, name in catalog.zone_names.items()]


def _key_scope(caller: Caller, key: str | None) -> str | None:
    """An idempotency key counts for its caller alone; anonymous callers share theirs."""
    return None if key is None else orjson.dumps([caller.subject, key]).decode()


def _check_citizen(command: CreateRequest, caller: Caller) -> None:
    citizen = command.citizen_ref.citizen_id
    if citizen is None or caller.is_staff:
        return
    if caller.subject is None:
        raise Unauthenticated("citizen_ref.citizen_id needs the bearer token of that citizen")
    if caller.subject != citizen:
        raise Forbidden("citizen_ref.citizen_id is not yours")
