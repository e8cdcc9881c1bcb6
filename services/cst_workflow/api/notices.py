"""Routes of the staff's inbox."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from cst_contracts.triage import NoticeKind, NoticePage, NoticeView
from cst_http.auth import Dispatching, Staff
from cst_ledger.events import Document
from cst_workflow.api.deps import Cursor, UseCases
from cst_workflow.notices import InboxQuery

router = APIRouter()

Roles = list[Literal["on_call", "dispatcher", "supervisor", "admin"]]
Code = Annotated[str | None, Query(max_length=80)]


def _view(notice: Document) -> NoticeView:
    return NoticeView.model_validate({**notice, "notice_id": notice["_id"]})


@router.get("/inbox")
async def inbox(
    use_cases: UseCases,
    _: Staff,
    role: Annotated[Roles | None, Query(max_length=4, description="all where absent")] = None,
    department: Code = None,
    zone_id: Code = None,
    kind: NoticeKind | None = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> NoticePage:
    """Return what staff must take note of, oldest first."""
    query = InboxQuery(role, department, zone_id, kind, is_open)
    page, next_cursor = await use_cases.notices.page(query, cursor, limit)
    return NoticePage(items=[_view(notice) for notice in page], next_cursor=next_cursor)


@router.post("/inbox/{notice_id}/acknowledge")
async def acknowledge_notice(
    notice_id: Annotated[str, Path(max_length=200)], use_cases: UseCases, caller: Dispatching
) -> NoticeView:
    """Say that you have taken note; who was first stays, and nobody else is told any more."""
    return _view(await use_cases.notices.acknowledge(notice_id, caller))
