"""Intake's use cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from cst_contracts.requests import AuditReport, CreateRequest
from cst_core.clock import past_instant
from cst_core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from cst_drafts import draft_request, next_number
from cst_http.follow import FollowLinks
from cst_http.idempotency import IdempotencyKeys, UsedKey
from cst_http.tokens import Caller
from cst_intake.domain.search import SearchQuery, after_cursor, build_filter, make_cursor
from cst_intake.domain.views import is_public
from cst_intake.repository import IntakeRepository
from cst_ledger.events import By, Document
from cst_ledger.fold import happened_by
from cst_ledger.reader import as_it_stood, events_of, first_event_of
from cst_ledger.rules import DEFAULT_RULES
from cst_ledger.verify import verify_one
from cst_mongo.client import Session
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
        self._keys = IdempotencyKeys(core.db)

    async def create(self, command: CreateRequest, caller: Caller, key: str | None) -> Created:
        """File a request, once per idempotency key.

        Raises:
            InvalidInput: unknown category, outside the service area, or what only staff say.
            IdempotencyMismatch: the key was used with another body.
            Unauthenticated, Forbidden: ``citizen_ref.citizen_id`` is not the caller's.
        """
        _check_citizen(command, caller)
        _check_filing(command, caller)
        used = UsedKey.of(caller, key, command)
        if (known := await self._keys.made(used)) is not None:
            return await self._replay(known)
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
        request_id = await next_number(self._core.counter, catalog.city, now)

        async def write(session: Session) -> Document:
            return await self._ledger.create(request_id, draft.event, session)

        filed = await self._keys.once(used, request_id, write)
        if isinstance(filed, str):
            return await self._replay(filed)
        return Created(filed, replayed=False, advice=draft.advice)

    async def _replay(self, request_id: str) -> Created:
        document = await self._ledger.load(request_id)
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


def _check_citizen(command: CreateRequest, caller: Caller) -> None:
    citizen = command.citizen_ref.citizen_id
    if citizen is None or caller.is_staff:
        return
    if caller.subject is None:
        raise Unauthenticated("citizen_ref.citizen_id needs the bearer token of that citizen")
    if caller.subject != citizen:
        raise Forbidden("citizen_ref.citizen_id is not yours")


def _check_filing(command: CreateRequest, caller: Caller) -> None:
    """Only staff file by an address alone, and only who sits at it names a channel."""
    if command.location is None and not caller.is_staff:
        raise InvalidInput.field(
            "location",
            "is required; only staff file by an address alone",
            None,
            ["a GeoJSON Point"],
        )
    allowed = ["api"]
    if caller.is_staff:
        allowed = ["api", "phone", "desk", "crew"]
    elif "agent" in caller.roles:
        allowed = ["api", "crew"]
    if command.channel not in allowed:
        raise InvalidInput.field("channel", "is not open to your role", command.channel, allowed)
