"""What a citizen sends to judge the work on their request, and the answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, field_validator

from cst_contracts.base import Command, Instant, RequestId, Wire

MAX_COMMENT = 4000
#: A code and no text: it is told to every consumer of events.
ReasonCode = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40, examples=["not_fixed"])
]


class RatingCommand(Command):
    """Body of ``POST /requests/{request_id}/rating``."""

    rating: Annotated[StrictInt, Field(ge=1, le=5)]
    reason_codes: list[ReasonCode] = Field(default=[], max_length=10)
    comment: str | None = Field(default=None, min_length=1, max_length=MAX_COMMENT)
    dispute_flag: StrictBool = Field(default=False, description="True: the work is not done")

    @field_validator("reason_codes")
    @classmethod
    def _are_named_once(cls, codes: list[str]) -> list[str]:
        if len(set(codes)) < len(codes):
            raise ValueError("names a code twice")
        return codes


class RatingReceipt(Wire):
    """Answer to a rating; ``disputed`` when it has opened a dispute."""

    request_id: RequestId
    rating: int
    reason_codes: list[str]
    dispute_flag: bool
    disputed: bool
    submitted_at: Instant
