"""Intake's use cases, each built over the core."""

from __future__ import annotations

from cst_http.follow import FollowLinks
from cst_http.tokens import Tokens
from cst_intake.access import Access
from cst_intake.citizens import CitizenService
from cst_intake.comments import CommentService
from cst_intake.evidence import EvidenceService
from cst_intake.history import HistoryService
from cst_intake.moderation import ModerationService
from cst_intake.nearby import Nearby
from cst_intake.ratings import RatingService
from cst_intake.requests import RequestService
from cst_process.core import Core


class Intake:
    """What the routes find in ``app.state.intake``."""

    def __init__(self, core: Core, tokens: Tokens) -> None:
        self.links = FollowLinks(tokens, core.settings.public_url)
        self.nearby = Nearby(core)
        self.requests = RequestService(core, self.links)
        self.history = HistoryService(core, self.requests)
        self.access = Access(self.links)
        self.evidence = EvidenceService(core, self.access)
        self.moderation = ModerationService(core, self.evidence)
        self.comments = CommentService(core, self.access)
        self.citizens = CitizenService(core, tokens)
        self.ratings = RatingService(core, self.links)
