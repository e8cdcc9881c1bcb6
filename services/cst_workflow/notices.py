"""The staff's inbox: notices are open until somebody acknowledges them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cst_core.clock import to_ms
from cst_core.errors import Conflict, Forbidden, NotFound
from cst_http.tokens import Caller
from cst_inbox import INBOX_ROLES, Inbox
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_workflow.domain.paging import read_place, write_place

#: Whose acknowledgement counts for a role. Any dispatching staff may be on call.
_ACKNOWLEDGES = {
    "on_call": {"dispatcher", "supervisor", "admin"},
    "dispatcher": {"dispatcher", "supervisor", "admin"},
    "supervisor": {"supervisor", "admin"},
    "admin": {"admin"},
}


def acknowledged(notice: Document, by: By) -> NewEvent:
    """Return the event of an acknowledgement."""
    meta = {"notice_id": notice["_id"], "kind": notice["kind"], "role": notice["role"]}
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
    return [acknowledged(notice, by) for notice in notices]


class NoticeService:
    """Shows notices and takes acknowledgements."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._inbox = Inbox(core.db)

    async def page(
        self, role: str | None, is_open: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of notices, oldest first, and the next cursor.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        roles: Sequence[str] = INBOX_ROLES if role is None else [role]
        after = None if cursor is None else read_place(cursor)
        found = await self._inbox.page(roles, is_open=is_open, after=after, limit=limit + 1)
        page = found[:limit]
        if len(found) <= limit:
            return page, None
        return page, write_place(page[-1]["at"], page[-1]["_id"])

    async def acknowledge(self, notice_id: str, caller: Caller) -> Document:
        """Acknowledge a notice, once, and return it.

        Raises:
            NotFound: there is no such notice.
            Forbidden: it concerns another role.
            Conflict: somebody did before; the error says who.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            notice = await self._inbox.find(notice_id, session)
            _check(notice, notice_id, caller)
            now = to_ms(self._core.clock.now())
            taken = await self._inbox.acknowledge(notice_id, by.actor_id, now, session)
            assert taken is not None  # it was found open in this transaction
            document = await self._ledger.load(taken["request_id"], session)
            await self._ledger.append(document, [acknowledged(taken, by)], session)
            return taken

        return await transact(self._core.db, once)


def _check(notice: Document | None, notice_id: str, caller: Caller) -> None:
    if notice is None:
        raise NotFound(f"no notice {notice_id[:100]}", notice_id=notice_id[:100])
    allowed = _ACKNOWLEDGES[notice["role"]]
    if allowed.isdisjoint(caller.roles):
        raise Forbidden(
            f"a notice for {notice['role']} is acknowledged by: {', '.join(sorted(allowed))}"
        )
    if not notice["open"]:
        raise Conflict(
            f"{notice['acknowledged_by']} has acknowledged it before",
            acknowledged_by=notice["acknowledged_by"],
            acknowledged_at=notice["acknowledged_at"],
        )
