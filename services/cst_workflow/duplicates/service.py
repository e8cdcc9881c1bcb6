"""The use cases of duplicates, built over the core."""

from __future__ import annotations

from cst_http.follow import FollowLinks
from cst_http.tokens import Tokens
from cst_process.core import Core
from cst_workflow.duplicates.detection import Detection
from cst_workflow.duplicates.following import Following
from cst_workflow.duplicates.merging import Merging
from cst_workflow.duplicates.repository import DuplicateRepository
from cst_workflow.duplicates.support import Support
from cst_workflow.duplicates.unmerging import Unmerging
from cst_workflow.successors import Successors


class DuplicateRoutes:
    """What the routes of duplicates use."""

    def __init__(self, core: Core, tokens: Tokens) -> None:
        ledger, repository = core.ledger("workflow"), DuplicateRepository(core.db)
        links = FollowLinks(tokens, core.settings.public_url)
        self.merging = Merging(core, ledger, repository)
        self.unmerging = Unmerging(core, ledger, repository, Successors(core))
        self.support = Support(core, ledger, repository, links)


class DuplicateWork:
    """What the consumers of duplicates use."""

    def __init__(self, core: Core) -> None:
        ledger = core.ledger("workflow")
        self.repository = DuplicateRepository(core.db)
        self.detection = Detection(core, ledger, self.repository)
        self.following = Following(core, ledger)
