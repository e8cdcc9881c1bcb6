"""Routes of citizens: registration, sign-in, themselves; and what staff see of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from cst_contracts.base import ObjectIdStr
from cst_contracts.citizens import (
    ChangeCitizen,
    CitizenRequests,
    CitizenStatistics,
    CitizenToken,
    CodeSent,
    RegisterCitizen,
    RegisteredCitizen,
    SignInCommand,
    SignInStarted,
    VerifyCommand,
)
from cst_contracts.contacts import ContactIn
from cst_contracts.documents import Citizen
from cst_http.auth import AnyCaller, Staff, require
from cst_http.responses import TOO_MANY
from cst_http.tokens import Caller
from cst_intake.api.deps import UseCases
from cst_intake.citizens import SignedIn
from cst_intake.domain import views
from cst_intake.domain.contacts import shown_contacts
from cst_ledger.events import Document

router = APIRouter()

CitizenId = Annotated[ObjectIdStr, Path()]
Me = Annotated[Caller, Depends(require("citizen"))]


def _view(citizen: Document) -> Citizen:
    return Citizen.model_validate(citizen | {"id": str(citizen["_id"])})


def _token(signed_in: SignedIn) -> CitizenToken:
    return CitizenToken(
        citizen_id=signed_in.citizen_id, token=signed_in.token, expires_at=signed_in.expires_at
    )


@router.post("/citizens", status_code=201, responses=TOO_MANY)
async def register_citizen(
    command: RegisterCitizen, use_cases: UseCases, _: AnyCaller
) -> RegisteredCitizen:
    """Register; a code is sent to the preferred contact and proves it."""
    sent = await use_cases.citizens.register(command)
    return RegisteredCitizen.model_validate(
        {
            "id": str(sent.citizen["_id"]),
            "verification": sent.citizen["verification"],
            "code_sent_by": sent.channel,
            "code_expires_at": sent.expires_at,
        }
    )


@router.post("/citizens/sign-in", status_code=202, responses=TOO_MANY)
async def start_sign_in(command: ContactIn, use_cases: UseCases, _: AnyCaller) -> SignInStarted:
    """Ask for a code to sign in; the answer is the same whether the contact is known or not."""
    sign_in_id, expires_at = await use_cases.citizens.start_sign_in(command)
    return SignInStarted(sign_in_id=str(sign_in_id), code_expires_at=expires_at)


@router.post("/citizens/sign-in/verify")
async def finish_sign_in(command: SignInCommand, use_cases: UseCases, _: AnyCaller) -> CitizenToken:
    """Sign in by the code; the answer holds a bearer token."""
    return _token(await use_cases.citizens.prove(command.sign_in_id, command.code))


@router.get("/citizens/me")
async def get_me(use_cases: UseCases, me: Me) -> Citizen:
    """Return the calling citizen."""
    return _view(await use_cases.citizens.me(me))


@router.patch("/citizens/me")
async def change_me(command: ChangeCitizen, use_cases: UseCases, me: Me) -> Citizen:
    """Change name, address, preferences or privacy; what is not sent stays as it is."""
    return _view(await use_cases.citizens.change(command, me))


@router.get("/citizens/me/requests")
async def list_my_requests(
    use_cases: UseCases,
    me: Me,
    cursor: Annotated[ObjectIdStr | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CitizenRequests:
    """Return the calling citizen's requests, the newest first."""
    page, next_cursor = await use_cases.citizens.requests(me, cursor, limit)
    items = [views.followed_view(document) for document in page]
    return CitizenRequests(items=items, next_cursor=next_cursor)


@router.get("/citizens/me/statistics")
async def my_statistics(use_cases: UseCases, me: Me) -> CitizenStatistics:
    """Return what became of the calling citizen's requests."""
    return await use_cases.citizens.statistics(me)


@router.post("/citizens/{citizen_id}/verify")
async def verify_citizen(
    citizen_id: CitizenId, command: VerifyCommand, use_cases: UseCases, _: AnyCaller
) -> CitizenToken:
    """Prove the contact by the code that was sent to it; the answer holds a bearer token."""
    return _token(await use_cases.citizens.prove(citizen_id, command.code))


@router.post("/citizens/{citizen_id}/verify/resend", status_code=202, responses=TOO_MANY)
async def resend_code(citizen_id: CitizenId, use_cases: UseCases, _: AnyCaller) -> CodeSent:
    """Send a new code in place of the one before."""
    sent = await use_cases.citizens.resend(citizen_id)
    return CodeSent.model_validate(
        {"code_sent_by": sent.channel, "code_expires_at": sent.expires_at}
    )


@router.get("/citizens/{citizen_id}")
async def get_citizen(citizen_id: CitizenId, use_cases: UseCases, staff: Staff) -> Citizen:
    """Return a citizen; supervisors see the contacts, dispatchers a hint, auditors none."""
    citizen = await use_cases.citizens.get(citizen_id)
    return _view(citizen | {"contacts": shown_contacts(citizen["contacts"], staff.roles)})
