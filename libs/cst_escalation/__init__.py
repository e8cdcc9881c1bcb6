"""Escalation: what an action means for a request, whoever or whatever asks for it."""

from cst_escalation.actions import ACTIONS, Escalation, escalate

__all__ = ["ACTIONS", "Escalation", "escalate"]
