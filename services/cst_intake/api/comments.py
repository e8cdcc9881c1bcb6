"""Routes of comments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cst_contracts.comments import Comment, CommentCommand, CommentPage
from cst_http.auth import AnyCaller
from cst_intake.api.deps import Follow, Id, UseCases

router = APIRouter()

Cursor = Annotated[str | None, Query(max_length=64)]


@router.post("/requests/{request_id}/comments", status_code=201)
async def add_comment(
    request_id: Id,
    command: CommentCommand,
    use_cases: UseCases,
    caller: AnyCaller,
    follow: Follow = None,
) -> Comment:
    """Write a comment, or a reply: the reporter (by token or link), agents and staff."""
    return await use_cases.comments.add(request_id, command, caller, follow)


@router.get("/requests/{request_id}/comments")
async def list_comments(
    request_id: Id,
    use_cases: UseCases,
    caller: AnyCaller,
    follow: Follow = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CommentPage:
    """Return the comments that the caller may see, in the order they were written."""
    return await use_cases.comments.page(request_id, caller, follow, cursor, limit)
