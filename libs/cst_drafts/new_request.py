"""From what a citizen sends to the first state of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from cst_city.catalog import Catalog
from cst_contracts.enums import PublicityName
from cst_contracts.requests import CreateRequest
from cst_core.errors import InvalidInput
from cst_drafts.places import located, stand_in, unlocated
from cst_ledger.events import By, NewEvent
from cst_rules import PriorityChoice, choose_priority

ASSIGNMENT_POLICY = "zone+skill+workload"


@dataclass(frozen=True, slots=True)
class Draft:
    """A new request before it has a number: its ``created`` event, and advice for the citizen."""

    event: NewEvent
    advice: str | None


def draft_request(
    command: CreateRequest,
    *,
    catalog: Catalog,
    rules_version: str,
    first_steps: list[str],
    by: By,
    now: datetime,
    shares: bool = True,
) -> Draft:
    """Compute zone, priority, policy and publicity of a new request.

    Args:
        command: what was sent.
        catalog: the city.
        rules_version: rule set the request is bound to; ``first_steps`` are those from ``new``.
        by: who files it.
        now: time of creation.
        shares: whether its citizen lets the public see their reports to the point.

    Raises:
        InvalidInput: unknown category, a point outside the service area, or neither a point nor
            an address.
    """
    category = catalog.category(command.category)
    location, hint = _place(command, catalog)
    choice = choose_priority(
        category,
        command.description,
        danger_words=catalog.city.danger_words,
        emergency_advice=catalog.city.emergency_advice,
    )
    promise = catalog.promise(category.code, location["zone_id"], choice.priority, now)
    state = blank_state(now) | {
        "citizen_ref": _citizen_ref(command),
        "category": category.code,
        "sub_category": command.sub_category,
        "tags": list(command.tags),
        "priority": choice.priority,
        "workflow": workflow_state("new", first_steps, rules_version),
        **promise,
        "location": location,
        "text_public": catalog.city.free_text == "open",
        "public": publicity(category.public, shared=command.share_publicly and shares),
        "channel": command.channel,
        "danger": {"reason": choice.reason, "state": "unconfirmed"} if choice.dangerous else None,
    }
    event = NewEvent(
        "created",
        by,
        changes=state,
        meta=_created_meta(command, choice),
        message=command.description,
        address_hint=hint,
        at=now,
    )
    return Draft(event, choice.advice)


def _citizen_ref(command: CreateRequest) -> dict[str, Any]:
    citizen_id = command.citizen_ref.citizen_id
    return command.citizen_ref.model_dump() | {
        "citizen_id": None if citizen_id is None else ObjectId(citizen_id),
        "share_publicly": command.share_publicly,
    }


def publicity(category: PublicityName, *, shared: bool) -> PublicityName:
    """Return how much the public may see: the category's choice, lowered where it is not shared."""
    return "area" if category == "exact" and not shared else category


def _created_meta(command: CreateRequest, choice: PriorityChoice) -> dict[str, Any]:
    return {
        "channel": command.channel,
        "priority_reason": choice.reason,
        "dangerous": choice.dangerous,
    }


def _place(command: CreateRequest, catalog: Catalog) -> tuple[dict[str, Any], str | None]:
    """Return where it is, and the hint for who looks for it."""
    if command.location is None:
        if command.address_hint is None:
            raise InvalidInput.field(
                "address_hint", "is required where there is no location", None, ["a text"]
            )
        return unlocated(stand_in(catalog.city)), command.address_hint
    if command.address_hint is not None:
        raise InvalidInput.field(
            "address_hint",
            "belongs into location where there is one",
            command.address_hint,
            ["location.address_hint"],
        )
    lon, lat = command.location.coordinates
    return located(lon, lat, catalog), command.location.address_hint


def workflow_state(status: str, allowed_next: list[str], rules_version: str) -> dict[str, Any]:
    """Return the ``workflow`` of a request in ``status``."""
    return {
        "current_state": status,
        "allowed_next": allowed_next,
        "transition_rules_version": rules_version,
        "hold": None,
        "held_seconds": 0,
        "pauses": [],
    }


def blank_state(created_at: datetime) -> dict[str, Any]:
    """Return the fields that every new request starts with."""
    steps = ("triaged", "assigned", "in_progress", "resolved", "closed")
    return {
        "status": "new",
        "sub_category": None,
        "tags": [],
        "resolution_code": None,
        "timestamps": {
            "created_at": created_at,
            **{f"{step}_at": None for step in steps},
            "updated_at": created_at,
        },
        "duplicates": {
            "is_master": True,
            "master_request_id": None,
            "linked_duplicates": [],
            "linked_at": None,
        },
        "assignment": {
            "assigned_agent_id": None,
            "auto_assign_candidate_agents": [],
            "assignment_policy": ASSIGNMENT_POLICY,
            "past_agent_ids": [],
            "since": None,
            "not_accepted": 0,
        },
        "evidence": [],
        "internal": {"notes": [], "visibility": "internal_only"},
        "historic": False,
        "source": None,
        "channel": None,
        "danger": None,
        "dispute": None,
        "escalations": 0,
        "sla_fired": [],
        "first_response_at": None,
        "reopened": 0,
        "rating": None,
        "supporters": 0,
        "text_public": False,
        "successor_of": None,
        "succeeded_by": None,
    }
