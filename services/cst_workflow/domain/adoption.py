"""Moving requests to another version of the rules: which can, and why others cannot."""

from __future__ import annotations

from cst_ledger.events import By, Document, NewEvent
from cst_ledger.rules import RuleSet


def obstacle(document: Document, rules: RuleSet) -> str | None:
    """Return why a request has no place in ``rules``; None where it has."""
    status, code = document["status"], document["resolution_code"]
    if not rules.leads_to_closed(status):
        return f"no way leads from {status} on to closed"
    if code is not None and code not in rules.resolution_codes and not document["historic"]:
        return f"its resolution code {code} is unknown there"
    hold = document["workflow"]["hold"]
    if hold is not None and hold["reason"] not in rules.hold_reasons:
        return f"it is held for {hold['reason']}, which is no reason there"
    return None


def rules_changed(document: Document, rules: RuleSet, by: By) -> NewEvent:
    """Return the event that binds a request to ``rules``."""
    before = document["workflow"]["transition_rules_version"]
    return NewEvent(
        "rules_changed",
        by,
        changes={
            "workflow.transition_rules_version": rules.version,
            "workflow.allowed_next": rules.allowed_next(document["status"]),
        },
        meta={"from_version": before, "to_version": rules.version},
    )
