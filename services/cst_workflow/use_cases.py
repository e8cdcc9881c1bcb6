"""Workflow's use cases, each built over the core."""

from __future__ import annotations

from cst_http.follow import FollowLinks
from cst_http.tokens import Tokens
from cst_process.core import Core
from cst_workflow.actors import ActorHistory
from cst_workflow.corrections import CorrectionService
from cst_workflow.duplicates.service import DuplicateRoutes
from cst_workflow.escalation import EscalationService
from cst_workflow.field_work import FieldWork
from cst_workflow.holds import HoldService
from cst_workflow.notices import NoticeService
from cst_workflow.rule_admin import RuleAdmin
from cst_workflow.settlement import SettlementService
from cst_workflow.transitions import TransitionService
from cst_workflow.triage import TriageService
from cst_workflow.withdrawal import WithdrawalService


class Workflow:
    """What the routes find in ``app.state.workflow``."""

    def __init__(self, core: Core, tokens: Tokens) -> None:
        self.transitions = TransitionService(core)
        self.holds = HoldService(core)
        self.rules = RuleAdmin(core)
        self.actors = ActorHistory(core)
        self.duplicates = DuplicateRoutes(core, tokens)
        self.triage = TriageService(core)
        self.corrections = CorrectionService(core)
        self.escalation = EscalationService(core)
        self.field_work = FieldWork(core)
        self.notices = NoticeService(core)
        self.settlement = SettlementService(core)
        self.withdrawal = WithdrawalService(core, FollowLinks(tokens, core.settings.public_url))
