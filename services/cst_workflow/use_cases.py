"""Workflow's use cases, each built over the core."""

from __future__ import annotations

from cst_http.tokens import Tokens
from cst_process.core import Core
from cst_workflow.actors import ActorHistory
from cst_workflow.duplicates.service import DuplicateRoutes
from cst_workflow.holds import HoldService
from cst_workflow.rule_admin import RuleAdmin
from cst_workflow.transitions import TransitionService


class Workflow:
    """What the routes find in ``app.state.workflow``."""

    def __init__(self, core: Core, tokens: Tokens) -> None:
        self.transitions = TransitionService(core)
        self.holds = HoldService(core)
        self.rules = RuleAdmin(core)
        self.actors = ActorHistory(core)
        self.duplicates = DuplicateRoutes(core, tokens)
