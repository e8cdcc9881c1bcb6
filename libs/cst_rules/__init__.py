"""Pure choice of priority and SLA policy, shared by intake, workflow and SLA."""

from cst_calendar import Pause
from cst_rules.priority import CategoryRules, PriorityChoice, choose_priority, find_word
from cst_rules.sla import (
    WILDCARD,
    PolicyTerms,
    Terms,
    after,
    applies,
    breach_at,
    due_at,
    paused,
    pauses_of,
    promised_for,
    select_policy,
    warn_hours,
)

__all__ = [
    "WILDCARD",
    "CategoryRules",
    "Pause",
    "PolicyTerms",
    "PriorityChoice",
    "Terms",
    "after",
    "applies",
    "breach_at",
    "choose_priority",
    "due_at",
    "find_word",
    "paused",
    "pauses_of",
    "promised_for",
    "select_policy",
    "warn_hours",
]
