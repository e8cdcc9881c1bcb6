"""Comments as the history tells of them: who may write which, and who sees which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cst_contracts.comments import CommentCommand, CommentVisibility
from cst_core.errors import Conflict, InvalidInput
from cst_ledger.events import By, Document

#: What a page of comments is made of.
TYPES = ("comment", "released", "hidden")


def comments_of(events: Iterable[Document]) -> dict[str, Document]:
    """Return the comments among some events, by their ids, in the order they were written."""
    return {e["meta"]["comment_id"]: e for e in events if e["type"] == "comment"}


def moderated(events: Iterable[Document], target: str) -> dict[str, str]:
    """Return what staff said last of each ``target`` (by its id): ``released`` or ``hidden``."""
    return {
        event["meta"]["target_id"]: event["type"]
        for event in events
        if event["type"] in ("released", "hidden") and event["meta"]["target"] == target
    }


def is_shown(comment: Document, said: str | None, *, free_text_open: bool) -> bool:
    """Tell whether the public sees a comment (where it sees the request at all).

    Args:
        comment: its event.
        said: what staff said of it last.
        free_text_open: the city shows citizens' words without a release.
    """
    if comment["meta"]["visibility"] != "public":
        return False
    if said is not None:
        return said == "released"
    return free_text_open or comment["by"]["actor_type"] != "citizen"


def reporter_sees(comment: Document, said: str | None) -> bool:
    """Tell whether the reporter sees a comment: their own, and what is public and not hidden."""
    if comment["meta"]["visibility"] != "public":
        return False
    return comment["by"]["actor_type"] == "citizen" or said != "hidden"


def check_open_for(document: Document, by: By) -> None:
    """Raise ``Conflict`` where a citizen adds to what is closed; staff and agents may."""
    if by.actor_type == "citizen" and document["status"] == "closed":
        raise Conflict(
            f"{document['request_id']} is closed: only staff and agents add to it; "
            "file another report if it is not done",
            status_now="closed",
        )


def visibility_of(command: CommentCommand, by: By) -> CommentVisibility:
    """Return how visible a new comment is.

    Raises:
        InvalidInput: a citizen asks for an internal one.
    """
    if by.actor_type == "citizen":
        if command.visibility == "internal":
            raise InvalidInput.field(
                "visibility", "citizens write public comments only", "internal", ["public"]
            )
        return "public"
    return command.visibility or "internal"


def check_parent(
    command: CommentCommand, by: By, events: Iterable[Document], visibility: CommentVisibility
) -> None:
    """Check the comment that a new one replies to.

    Raises:
        InvalidInput: there is none that its author sees, or a public reply to an internal one.
    """
    parent_id = command.parent_comment_id
    if parent_id is None:
        return
    events = list(events)
    parent = comments_of(events).get(parent_id)
    said = moderated(events, "comment").get(parent_id)
    hidden = parent is not None and by.actor_type == "citizen" and not reporter_sees(parent, said)
    if parent is None or hidden:
        raise InvalidInput.field("parent_comment_id", "is no comment of this request", parent_id)
    if visibility == "public" and parent["meta"]["visibility"] == "internal":
        raise InvalidInput.field(
            "visibility", "a reply to an internal comment is internal", "public", ["internal"]
        )


def comment_fields(comment: Document, *, author_id: bool, shown: bool | None) -> dict[str, Any]:
    """Return the fields of the contract's ``Comment``."""
    meta, by = comment["meta"], comment["by"]
    return {
        "comment_id": meta["comment_id"],
        "parent_comment_id": meta["parent_comment_id"],
        "seq": comment["seq"],
        "message": meta.get("message"),
        "erased": meta.get("salt") is None,
        "visibility": meta["visibility"],
        "shown": shown,
        "author": {
            "actor_type": by["actor_type"],
            "actor_id": by["actor_id"] if author_id else None,
        },
        "at": comment["at"],
    }
