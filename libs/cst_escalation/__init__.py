"""Escalation: what an action means for a request, whoever or whatever asks for it."""

from cst_escalation.actions import Act, Asked, Escalation, escalate, register
from cst_rules.actions import action_names

__all__ = ["Act", "Asked", "Escalation", "action_names", "escalate", "register"]
