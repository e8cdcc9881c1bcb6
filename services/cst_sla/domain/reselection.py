"""Promises of open requests selected anew: what changes, and the event of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cst_city.catalog import Catalog, Promise
from cst_contracts.sla import PolicyMove, ReselectedRequest, Reselection
from cst_ledger.events import By, Document, NewEvent
from cst_rules import pauses_of, promised_for

#: Changed requests that an answer names; the rest is counted.
NAMED = 500


def reselected(document: Document, catalog: Catalog) -> Promise | None:
    """Return ``sla_policy`` and ``due_at`` by the policies as they are now; None where the same.

    The clock keeps its start and its pauses, so the time that is used up stays used.
    """
    promise = catalog.promise(
        document["category"],
        document["location"]["zone_id"],
        promised_for(document),
        document["timestamps"]["created_at"],
        pauses_of(document),
    )
    is_same = _essence(promise["sla_policy"]) == _essence(document["sla_policy"])
    return None if is_same and promise["due_at"] == document["due_at"] else promise


def _essence(terms: dict[str, Any] | None) -> dict[str, Any] | None:
    """What counts of a policy's copy: all but which version of the city's policies it is from."""
    if terms is None:
        return None
    steps = [dict(step) for step in terms["escalation_steps"]]
    return {**terms, "escalation_steps": steps, "version": None}


def policy_changed(document: Document, promise: Promise, by: By) -> NewEvent:
    """Return the event of a promise that was selected anew."""
    old, new = document["sla_policy"] or {}, promise["sla_policy"] or {}
    meta = {
        "from_policy_id": old.get("policy_id"),
        "to_policy_id": new.get("policy_id"),
        "from_version": old.get("version"),
        "to_version": new.get("version"),
    }
    return NewEvent("policy_changed", by, changes=promise, meta=meta)


@dataclass
class Tally:
    """Counts what a reselection changes."""

    unchanged: int = 0
    lengthened: int = 0
    shortened: int = 0
    moves: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    named: list[ReselectedRequest] = field(default_factory=list)

    def add(self, document: Document, promise: Promise | None) -> None:
        """Count a request, with what it is promised anew (None: the same)."""
        if promise is None:
            self.unchanged += 1
            return
        old, new = (terms and terms["policy_id"] for terms in _terms(document, promise))
        before, after = document["due_at"], promise["due_at"]
        self.moves[old, new] += 1
        self.lengthened += _is_later(after, before)
        self.shortened += _is_later(before, after)
        if len(self.named) < NAMED:
            row = ReselectedRequest(
                request_id=document["request_id"],
                from_policy_id=old,
                to_policy_id=new,
                due_before=before,
                due_after=after,
            )
            self.named.append(row)

    def result(self, version: int, *, dry_run: bool) -> Reselection:
        """Return the answer."""
        moves = [
            PolicyMove(from_policy_id=old, to_policy_id=new, requests=count)
            for (old, new), count in self.moves.most_common()
        ]
        return Reselection(
            dry_run=dry_run,
            version=version,
            unchanged=self.unchanged,
            changed=self.moves.total(),
            lengthened=self.lengthened,
            shortened=self.shortened,
            moves=moves,
            requests=self.named,
        )


def _terms(document: Document, promise: Promise) -> tuple[Any, Any]:
    return document["sla_policy"], promise["sla_policy"]


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    """Nothing promised is later than any promise."""
    return other is not None and (one is None or one > other)
