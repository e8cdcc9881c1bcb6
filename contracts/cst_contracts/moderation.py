"""What staff send to keep something from the public, to let it see it, or to erase it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_contracts.base import Command

ModerationAction = Literal["hide", "release", "redact"]
ModerationTarget = Literal["request", "text", "evidence", "comment", "note"]


class ModerationCommand(Command):
    """Body of ``POST /requests/{request_id}/moderation``.

    ``text`` is the description with the address hint. ``target_id`` names which one of the others:
    an ``evidence_id``; a ``comment_id``, or ``rating`` for the comment of the rating; of a note the
    ``event_id`` of the event that it was written with.
    """

    action: ModerationAction
    target: ModerationTarget
    target_id: str | None = Field(default=None, min_length=1, max_length=64)
    reason: str | None = Field(
        default=None, min_length=1, max_length=1000, description="Becomes an internal note"
    )
