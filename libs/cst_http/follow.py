"""Reporters' signed links: who has no account acts on their own request by one."""

from __future__ import annotations

from typing import Any

from cst_http.tokens import Caller, Tokens

_PURPOSE = "follow"


class FollowLinks:
    """Signs links and tells reporters by them, or by their token."""

    def __init__(self, tokens: Tokens, public_url: str) -> None:
        self._tokens = tokens
        self._public_url = public_url

    def url(self, request_id: str) -> str:
        """Return the reporter's link; always the same for one request."""
        signature = self._tokens.sign(_PURPOSE, request_id)
        return f"{self._public_url}/requests/{request_id}?follow={signature}"

    def fits(self, request_id: str, signature: str | None) -> bool:
        """Tell whether ``signature`` is the one of the request's link."""
        return signature is not None and self._tokens.is_signed(_PURPOSE, request_id, signature)

    def is_reporter(self, document: dict[str, Any], caller: Caller, signature: str | None) -> bool:
        """Tell whether the caller filed this request, by token or by link."""
        citizen = document["citizen_ref"]["citizen_id"]
        owns = citizen is not None and str(citizen) == caller.subject
        return owns or self.fits(document["request_id"], signature)
