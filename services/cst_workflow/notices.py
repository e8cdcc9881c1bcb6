"""The staff's inbox: notices are open until somebody acknowledges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cst_city.catalog import Catalog
from cst_contracts.enums import INBOX_ROLES, UNKNOWN_ZONE
from cst_core.clock import to_ms
from cst_core.errors import Conflict, Forbidden, InvalidInput, NotFound
from cst_core.paging import read_place, write_place
from cst_http.tokens import Caller
from cst_inbox import Inbox, Wanted
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

#: Whose acknowledgement counts for a role. Any dispatching staff may be on call.
_ACKNOWLEDGES = {
    "on_call": {"dispatcher", "supervisor", "admin"},
    "dispatcher": {"dispatcher", "supervisor", "admin"},
    "supervisor": {"supervisor", "admin"},
    "admin": {"admin"},
}


def acknowledged(notice: Document, role: str, by: By) -> NewEvent:
    """Return the event of an acknowledgement by somebody who answers for ``role``."""
    meta = {"notice_id": notice["_id"], "kind": notice["kind"], "role": role}
    return NewEvent("notice_acknowledged", by, meta=meta)


async def taken_note(
    inbox: Inbox, request_id: str, kind: str, by: By, at: datetime, session: Session
) -> list[NewEvent]:
    """Acknowledge what is open of a kind about a request whose matter was decided.

    Returns:
        The events of it, to be written in the same transaction.
    """
    notices = await inbox.open_of(request_id, kind, session)
    for notice in notices:
        await inbox.acknowledge(notice["_id"], by.actor_id, at, session)
    return [acknowledged(notice, notice["roles"][-1], by) for notice in notices]


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """What a reader of the inbox asks for: None where it does not matter."""

    roles: Sequence[str] | None
    department: str | None
    zone_id: str | None
    kind: str | None
    is_open: bool | None


class NoticeService:
    """Shows notices and takes acknowledgements."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)

    async def page(
        self, query: InboxQuery, cursor: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of notices, oldest first, and the next cursor.

        Raises:
            InvalidInput: the city has no such department or zone, or the cursor is not one of ours.
        """
        catalog = await self._core.catalog.get()
        wanted = _wanted(query, catalog)
        after = None if cursor is None else read_place(cursor)
        found = await self._inbox.page(wanted, after=after, limit=limit + 1)
        page = [_shown(notice, catalog) for notice in found[:limit]]
        if len(found) <= limit:
            return page, None
        return page, write_place(page[-1]["at"], page[-1]["_id"])

    async def acknowledge(self, notice_id: str, caller: Caller) -> Document:
        """Acknowledge a notice, once, and return it.

        Raises:
            NotFound: there is no such notice.
            Forbidden: it concerns other roles.
            Conflict: somebody did before, or nobody needs to any more; the error says it.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            notice = await self._inbox.find(notice_id, session)
            role = _check(notice, notice_id, caller)
            now = to_ms(self._core.clock.now())
            taken = await self._inbox.acknowledge(notice_id, by.actor_id, now, session)
            assert taken is not None  # it was found open in this transaction
            document = await self._ledger.load(taken["request_id"], session)
            await self._ledger.append(document, [acknowledged(taken, role, by)], session)
            return taken

        taken = await transact(self._core.db, once)
        return _shown(taken, await self._core.catalog.get())


def _wanted(query: InboxQuery, catalog: Catalog) -> Wanted:
    """A department's notices are those of its categories, so they follow what is corrected."""
    categories = None
    if query.department is not None:
        _check_known("department", query.department, list(catalog.city.departments))
        categories = [
            code
            for code, category in catalog.categories.items()
            if category.department == query.department
        ]
    if query.zone_id is not None:
        _check_known("zone_id", query.zone_id, [*catalog.zone_names, UNKNOWN_ZONE])
    return Wanted(
        roles=query.roles or INBOX_ROLES,
        is_open=query.is_open,
        kind=query.kind,
        categories=categories,
        zone_id=query.zone_id,
    )


def _check_known(field: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise InvalidInput.field(field, "is not known in this city", value[:100], allowed)


def _shown(notice: Document, catalog: Catalog) -> Document:
    category = catalog.categories.get(notice["category"])
    return notice | {"department": None if category is None else category.department}


def _check(notice: Document | None, notice_id: str, caller: Caller) -> str:
    """Return for which of its roles the caller answers, the last one of several."""
    if notice is None:
        raise NotFound(f"no notice {notice_id[:100]}", notice_id=notice_id[:100])
    roles: list[str] = notice["roles"]
    answers_for = [role for role in roles if not _ACKNOWLEDGES[role].isdisjoint(caller.roles)]
    if not answers_for:
        allowed = sorted({name for role in roles for name in _ACKNOWLEDGES[role]})
        raise Forbidden(f"a notice for {', '.join(roles)} is acknowledged by: {', '.join(allowed)}")
    if notice["closed_because"] is not None:
        raise Conflict(f"it was closed: {notice['closed_because']}")
    if not notice["open"]:
        raise Conflict(
            f"{notice['acknowledged_by']} has acknowledged it before",
            acknowledged_by=notice["acknowledged_by"],
            acknowledged_at=notice["acknowledged_at"],
        )
    return answers_for[-1]
