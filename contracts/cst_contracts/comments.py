"""Comments of a request: what is sent, and what is shown to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_contracts.base import Command, Instant, RequestId, Wire

MAX_COMMENT = 4000

CommentVisibility = Literal["public", "internal"]


class CommentCommand(Command):
    """Body of ``POST /requests/{request_id}/comments``."""

    message: str = Field(min_length=1, max_length=MAX_COMMENT)
    parent_comment_id: str | None = Field(
        default=None, min_length=1, max_length=64, description="The comment this one replies to"
    )
    visibility: CommentVisibility | None = Field(
        default=None,
        description="Not given: public from the reporter, internal from staff and agents",
    )


class CommentAuthor(Wire):
    """Who wrote it; staff and agents see the id, too."""

    actor_type: Literal["citizen", "agent", "staff", "system"]
    actor_id: str | None = None


class Comment(Wire):
    """One comment. ``parent_comment_id`` makes the thread; ``seq`` is its place in the history.

    ``shown`` says whether the public sees it where it sees the request to the point; only staff
    and agents are told. The ``message`` of an erased comment is null.
    """

    comment_id: str
    parent_comment_id: str | None
    seq: int = Field(ge=0)
    message: str | None
    erased: bool = False
    visibility: CommentVisibility
    shown: bool | None = None
    author: CommentAuthor
    at: Instant


class CommentPage(Wire):
    """Comments in the order they were written; ``next_cursor`` is null on the last page."""

    request_id: RequestId
    items: list[Comment]
    next_cursor: str | None
