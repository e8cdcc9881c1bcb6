"""Who may see a request, and who may add to it."""

from __future__ import annotations

from cst_core.errors import Forbidden, NotFound, Unauthenticated
from cst_http.follow import FollowLinks
from cst_http.tokens import Caller
from cst_intake.domain.views import is_public
from cst_ledger.events import By, Document

WRITING_STAFF = frozenset({"dispatcher", "supervisor", "admin"})


def sees_all(caller: Caller) -> bool:
    """Tell whether the caller sees every request, and all of it."""
    return caller.is_staff or "agent" in caller.roles


class Access:
    """Tells callers apart: staff and agents, a request's reporter, anybody else."""

    def __init__(self, links: FollowLinks) -> None:
        self._links = links

    def is_reporter(self, document: Document, caller: Caller, follow: str | None) -> bool:
        """Tell whether the caller filed this request, by token or by link."""
        return self._links.is_reporter(document, caller, follow)

    def check_sees(self, document: Document, caller: Caller, follow: str | None) -> None:
        """Raise ``NotFound`` for who may not know of the request.

        Staff and agents see all; its reporter sees it; others what is public.
        """
        visible = (
            sees_all(caller) or is_public(document) or self.is_reporter(document, caller, follow)
        )
        if not visible:
            raise NotFound(
                f"no request {document['request_id']}", request_id=document["request_id"]
            )

    def writer(self, document: Document, caller: Caller, follow: str | None) -> By:
        """Return as whom the caller adds to a request.

        Raises:
            NotFound: the caller may not know of it.
            Unauthenticated, Forbidden: the caller may see it, but it is not theirs.
        """
        self.check_sees(document, caller, follow)
        if caller.roles & WRITING_STAFF or "agent" in caller.roles:
            return By(caller.actor_type, caller.actor_id)
        if self.is_reporter(document, caller, follow):
            citizen = document["citizen_ref"]["citizen_id"]
            known = "anonymous" if citizen is None else str(citizen)
            return By("citizen", caller.subject or known)
        if caller.subject is None:
            raise Unauthenticated("this needs the reporter's link or token, an agent's or staff's")
        raise Forbidden("this is for the request's reporter, agents, dispatchers and supervisors")
