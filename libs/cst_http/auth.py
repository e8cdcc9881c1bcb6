"""Dependencies of routes: who calls, and whether they may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cst_core.errors import Forbidden, Unauthenticated
from cst_http.tokens import Caller, Tokens

_bearer = HTTPBearer(auto_error=False, description="`cst token --role …` makes one")


def tokens_of(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


async def caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Return the caller; anonymous without a token, 401 with one that is not valid."""
    if credentials is None:
        if "authorization" in request.headers:
            raise Unauthenticated("the Authorization header is not 'Bearer <token>'")
        return Caller()
    return await tokens_of(request).caller(credentials.credentials)


AnyCaller = Annotated[Caller, Depends(caller)]


def require(*roles: str) -> Callable[[Caller], Awaitable[Caller]]:
    """Return a dependency: 401 without a token, 403 without one of ``roles``."""

    async def check(who: AnyCaller) -> Caller:
        if who.subject is None:
            raise Unauthenticated(f"this needs a bearer token with one of: {', '.join(roles)}")
        if who.roles.isdisjoint(roles):
            raise Forbidden(
                f"this needs one of: {', '.join(roles)}; you have: "
                f"{', '.join(sorted(who.roles)) or 'none'}"
            )
        return who

    return check


STAFF = ("dispatcher", "supervisor", "auditor", "admin")
Staff = Annotated[Caller, Depends(require(*STAFF))]
Admin = Annotated[Caller, Depends(require("admin"))]
Dispatching = Annotated[Caller, Depends(require("dispatcher", "supervisor", "admin"))]
Supervising = Annotated[Caller, Depends(require("supervisor", "admin"))]
DispatchingOrAgent = Annotated[
    Caller, Depends(require("agent", "dispatcher", "supervisor", "admin"))
]
StaffOrAgent = Annotated[Caller, Depends(require("agent", *STAFF))]
Reviewing = Annotated[Caller, Depends(require("supervisor", "auditor", "admin"))]
