"""Pure choice of priority and SLA policy, shared by intake, workflow and SLA."""

from cst_rules.priority import CategoryRules, PriorityChoice, choose_priority, find_word
from cst_rules.sla import (
    WILDCARD,
    PolicyTerms,
    applies,
    breach_at,
    due_at,
    promise,
    restarted,
    select_policy,
    warn_at,
)

__all__ = [
    "WILDCARD",
    "CategoryRules",
    "PolicyTerms",
    "PriorityChoice",
    "applies",
    "breach_at",
    "choose_priority",
    "due_at",
    "find_word",
    "promise",
    "restarted",
    "select_policy",
    "warn_at",
]
