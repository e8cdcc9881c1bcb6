"""What callers send about duplicates, and what they get back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_contracts.base import Command, Instant, Latitude, Longitude, RequestId, Wire

MAX_REASON = 4000


class MergeCommand(Command):
    """Body of ``POST /requests/{request_id}/merge``: the request becomes a duplicate."""

    master_request_id: RequestId
    reason: str | None = Field(default=None, min_length=1, max_length=MAX_REASON)
    expected_version: int | None = Field(default=None, ge=1)


class UnmergeCommand(Command):
    """Body of ``POST /requests/{request_id}/unmerge``: the duplicate has its own life again."""

    reason: str = Field(min_length=1, max_length=MAX_REASON)
    expected_version: int | None = Field(default=None, ge=1)


class SuggestionDecision(Command):
    """Body of ``POST /duplicates/suggestions/{suggestion_id}``."""

    decision: Literal["confirm", "refuse"]
    reason: str | None = Field(default=None, min_length=1, max_length=MAX_REASON)


class Suggestion(Wire):
    """Two requests that may be of one thing; ``decided_by`` is null while it is open."""

    suggestion_id: str
    request_id: RequestId
    master_request_id: RequestId
    category: str
    distance_m: float
    suggested_at: Instant
    state: Literal["open", "confirmed", "refused", "void"]
    decided_by: str | None = None
    decided_at: Instant | None = None


class SuggestionPage(Wire):
    """A page of open suggestions, oldest first; ``next_cursor`` is null on the last one."""

    items: list[Suggestion]
    next_cursor: str | None


class NearbyRequest(Wire):
    """An open request around a point, as anybody may see it."""

    request_id: RequestId
    category: str
    status: str
    created_at: Instant
    due_at: Instant | None = Field(description="Until when the city promises to act")
    coordinates: tuple[Longitude, Latitude]
    distance_m: float
    supporters: int


class NearbyRequests(Wire):
    """What is open around a point, nearest first; ``radius_m`` says how far was looked."""

    radius_m: float
    items: list[NearbyRequest]


class SupportAnswer(Wire):
    """Answer to "me too": the request that was supported (the master, where it has one)."""

    request_id: RequestId
    supporters: int
    counted: bool = Field(description="False where the caller had been counted before")
