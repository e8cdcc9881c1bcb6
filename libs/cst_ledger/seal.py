"""Sealing: from a ``NewEvent`` and the state before it to the stored event and the state after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_contracts.enums import STATUSES
from cst_core.clock import to_ms
from cst_core.ids import traceparent, uuid7
from cst_ledger.chain import GENESIS, event_hash, new_salt, text_digest
from cst_ledger.events import Document, NewEvent
from cst_ledger.fold import apply, facts_of, text_changes
from cst_ledger.ownership import check_ownership
from cst_ledger.rules import RuleBook

#: Events per ``performance_logs`` document: appending gets slower as the document grows.
BUCKET_SIZE = 100
#: Facts that are kept beside the request's state: they do not move its version.
_BESIDE = frozenset({"sla_fired", "first_response_at", "rating"})
#: What staff do with texts and photos says nothing to who waits for an answer.
_NO_RESPONSE = frozenset({"released", "hidden", "redacted", "visibility_changed"})


def bucket_of(seq: int) -> int:
    """Return the number of the bucket that holds event ``seq``."""
    return seq // BUCKET_SIZE


def _undone(state: Document, status: str) -> dict[str, Any]:
    """A step back undoes what the steps after its target had brought."""
    undone: dict[str, Any] = {}
    for later in STATUSES[STATUSES.index(status) + 1 :]:
        if state["timestamps"][f"{later}_at"] is not None:
            undone[f"timestamps.{later}_at"] = None
            if later == "resolved":
                undone["resolution_code"] = None
                undone["reopened"] = state["reopened"] + 1
            if later == "assigned":
                undone |= _given_back(state["assignment"])
    return undone


def _given_back(assignment: Document) -> dict[str, Any]:
    """Who had the work is remembered, so that it does not come to them again."""
    holder, past = assignment["assigned_agent_id"], assignment["past_agent_ids"]
    kept = {} if holder is None else {"assignment.past_agent_ids": [*past, holder]}
    return {"assignment.assigned_agent_id": None, **kept}


def _is_first_response(state: Document, new: NewEvent) -> bool:
    """Tell whether it is the first that somebody of the city does with the request."""
    answers = new.by.actor_type in ("staff", "agent") and new.type not in _NO_RESPONSE
    return answers and state["first_response_at"] is None


class Sealer:
    """Numbers, checks and hashes new events for one service."""

    def __init__(self, service: str, rules: RuleBook) -> None:
        self._service = service
        self._rules = rules

    def seal(
        self, request_id: str, state: Document | None, new: NewEvent, *, now: datetime
    ) -> tuple[Document, Document]:
        """Return (stored event, state after).

        Args:
            request_id: subject of the event.
            state: the request document before the event, None for its first.
            new: what happened.
            now: when it is written.

        Raises:
            OwnershipError: the event's type may not change what it changes.
            TransitionRefused, MissingFields, InvalidInput: the step is not one of its rules.
        """
        changes = self._with_derived(state, new, now)
        check_ownership(new.type, new.changes)
        event = self._frame(request_id, state, new, changes, now)
        moves = bool(changes.keys() - _BESIDE or text_changes(state, event))
        event["version"] = (state["version"] if state is not None else 0) + moves
        after = apply(state, event)
        if state is not None and "status" in changes:
            self._rules.of(after).check(state, after)
        event["facts"] = facts_of(after)
        event["hash"] = event_hash(event)
        after["ledger"] = {
            "seq": event["seq"],
            "hash": event["hash"],
            "bucket": bucket_of(event["seq"]),
        }
        return event, after

    def _with_derived(self, state: Document | None, new: NewEvent, now: datetime) -> dict[str, Any]:
        """A changed status brings along what follows from it, staff's first act their answer."""
        changes = dict(new.changes)
        if state is not None and _is_first_response(state, new):
            changes["first_response_at"] = to_ms(new.at or now)
        status = changes.get("status")
        if state is not None and status is not None:
            changes["workflow.current_state"] = status
            changes["workflow.allowed_next"] = self._rules.of(state).allowed_next(status)
            changes |= _undone(state, status)
            changes[f"timestamps.{status}_at"] = to_ms(new.at or now)
        return changes

    def _frame(
        self,
        request_id: str,
        state: Document | None,
        new: NewEvent,
        changes: dict[str, Any],
        now: datetime,
    ) -> Document:
        meta = dict(new.meta)
        has_text = new.message is not None or new.address_hint is not None
        if has_text:
            meta |= {"message": new.message, "salt": new_salt()}
            if new.address_hint is not None:
                meta["address_hint"] = new.address_hint
            meta["text_digest"] = text_digest(meta["salt"], meta)
        head: Document = state["ledger"] if state is not None else {"seq": -1, "hash": GENESIS}
        return {
            "event_id": uuid7(),
            "subject": request_id,
            "seq": head["seq"] + 1,
            "version": 0,
            "type": new.type,
            "service": self._service,
            "by": new.by.document(),
            "at": to_ms(new.at or now),
            "recorded_at": now,
            "traceparent": traceparent(),
            "meta": meta,
            "changes": changes,
            "prev_hash": head["hash"],
        }
