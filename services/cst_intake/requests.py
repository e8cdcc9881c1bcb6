"""Intake's use cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from cst_contracts.requests import AuditReport, CreateRequest
from cst_core.clock import past_instant
from cst_core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from cst_drafts import draft_request, next_number
from cst_http.follow import FollowLinks
from cst_http.idempotency import IdempotencyKeys, UsedKey
from cst_http.tokens import Caller
from cst_intake.access import Access, sees_all
from cst_intake.domain.publicity import shares
from cst_intake.domain.search import SearchQuery, after_cursor, build_filter, make_cursor
from cst_intake.domain.views import as_shown_now
from cst_intake.reporters import Reporters, check_reporter, filed_by, left_contact
from cst_intake.repository import IntakeRepository
from cst_ledger.events import By, Document
from cst_ledger.reader import as_it_stood, first_event_of
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
        self._access = Access(links)
        self._ledger = core.ledger("intake")
        self._repository = IntakeRepository(core.db)
        self._keys = IdempotencyKeys(core.db)
        self._reporters = Reporters(core.db)

    async def create(self, command: CreateRequest, caller: Caller, key: str | None) -> Created:
        """File a request, once per idempotency key.

        Raises:
            InvalidInput: unknown category, outside the service area, or what only staff say.
            IdempotencyMismatch: the key was used with another body.
            Unauthenticated, Forbidden: ``citizen_ref.citizen_id`` is not the caller's.
        """
        check_reporter(command, caller)
        _check_filing(command, caller)
        used = UsedKey.of(caller, key, command)
        if (known := await self._keys.made(used)) is not None:
            return await self._replay(known)
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        rules = await self._core.new_rules()
        contact = left_contact(command, catalog)
        drafted = partial(
            draft_request,
            catalog=catalog,
            rules_version=rules.version,
            first_steps=rules.allowed_next("new"),
            by=By(caller.actor_type, caller.actor_id),
            now=now,
        )
        draft = drafted(command)
        request_id = await next_number(self._core.counter, catalog.city, now)

        async def write(session: Session) -> Document:
            language = catalog.city.languages[0]
            citizen = await self._reporters.note(command, contact, language, now, session)
            event = draft.event
            if citizen is not None:
                # Drafted anew: only now is known what the citizen prefers at this moment.
                own = filed_by(command, contact, citizen)
                event = drafted(own, shares=shares(citizen)).event
            return await self._ledger.create(request_id, event, session)

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
        self._access.check_sees(document, caller, follow)
        if instant is None:
            return document
        past = await as_it_stood(self._core.db, document, instant)
        if past is None:
            raise NotFound(f"no request {request_id} yet at {as_of}", request_id=request_id)
        return past if sees_all(caller) else as_shown_now(past, document)

    def past(self, as_of: str | None) -> datetime | None:
        """Read the query parameter ``as_of``."""
        return None if as_of is None else past_instant("as_of", as_of, self._core.clock.now())

    async def search(self, query: SearchQuery, caller: Caller) -> tuple[list[Document], str | None]:
        """Return a page and the cursor of the next (None on the last one).

        Raises:
            InvalidInput: a filter is wrong.
            Forbidden: an agent filter of somebody who sees the public view only.
        """
        wanted = build_filter(query)
        if not sees_all(caller):
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
