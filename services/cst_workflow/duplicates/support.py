""" "Me too": somebody else has seen the same, and says so instead of filing it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from cst_core.errors import Conflict, InvalidInput, NotFound
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.domain.duplicates import is_open
from cst_workflow.duplicates.repository import DuplicateRepository


@dataclass(frozen=True, slots=True)
class Supported:
    """The request that has the support; ``counted`` is false where the caller had it before."""

    document: Document
    counted: bool


class Support:
    """Counts supporters, each once."""

    def __init__(
        self, core: Core, ledger: Ledger, repository: DuplicateRepository, links: FollowLinks
    ) -> None:
        self._core = core
        self._ledger = ledger
        self._repository = repository
        self._links = links

    async def me_too(self, request_id: str, caller: Caller, key: str | None) -> Supported:
        """Count the caller among the supporters of a request, or of its master.

        Args:
            request_id: what the caller has seen.
            caller: whoever it is, told apart by the token's subject.
            key: tells the anonymous apart.

        Raises:
            NotFound: there is none for the caller.
            InvalidInput: neither token nor key.
            Conflict: it is not open, or it is the caller's own.
        """
        if caller.subject is None and key is None:
            raise InvalidInput.field(
                "Idempotency-Key", "is needed without a bearer token, to count you once", None
            )

        async def once(session: Session) -> Supported:
            master = await self._master(request_id, caller, session)
            supporter = _supporter(master["request_id"], caller, key)
            if await self._repository.has_supported(supporter, session):
                return Supported(master, counted=False)
            await self._repository.add_supporter(supporter, session)
            count = master["supporters"] + 1
            event = NewEvent(
                "supported",
                By(caller.actor_type, caller.actor_id),
                changes={"supporters": count},
                meta={"supporters": count},
            )
            return Supported(await self._ledger.append(master, [event], session), counted=True)

        try:
            return await transact(self._core.db, once)
        except DuplicateKeyError:
            # The same supporter was counted between our look and our write.
            return await transact(self._core.db, once)

    async def _master(self, request_id: str, caller: Caller, session: Session) -> Document:
        document = await self._seen(request_id, caller, session)
        master_id = document["duplicates"]["master_request_id"]
        if master_id is not None:
            document = await self._seen(master_id, caller, session)
        if not is_open(document):
            status = document["status"]
            raise Conflict(
                f"{document['request_id']} is {status}; file a new report if it is there again",
                current_state=status,
            )
        if self._links.is_reporter(document, caller, None):
            raise Conflict(f"{document['request_id']} is your own report")
        return document

    async def _seen(self, request_id: str, caller: Caller, session: Session) -> Document:
        document = await self._ledger.load(request_id, session)
        sees_all = caller.is_staff or "agent" in caller.roles
        if not sees_all and document["public"] != "exact":
            raise NotFound(f"no request {request_id}", request_id=request_id)
        return document


def _supporter(request_id: str, caller: Caller, key: str | None) -> str:
    """The id under which a supporter is remembered; it tells nobody who that is."""
    who = f"subject:{caller.subject}" if caller.subject is not None else f"key:{key}"
    return f"{request_id}:{hashlib.sha256(who.encode()).hexdigest()}"
