"""What citizens send about themselves, and what they and staff get back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from cst_contracts.base import Command, Instant, ObjectIdStr, Wire
from cst_contracts.contacts import ContactsIn
from cst_contracts.documents import Verification
from cst_contracts.requests import FollowedRequest

#: By what a code or a notice reaches a citizen.
Channel = Literal["email", "sms"]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["042917"])]
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class PrivacyIn(Command):
    default_anonymous: StrictBool = False
    share_publicly_on_map: StrictBool = Field(
        default=True, description="False: the public sees your reports as an area only"
    )


class NotificationsIn(Command):
    on_status_change: StrictBool = True
    on_resolution: StrictBool = True


class PreferencesIn(Command):
    """``preferred_contact`` is the first of the contacts, ``language`` the city's, if not given."""

    preferred_contact: Literal["email", "sms", "none"] | None = None
    language: str | None = Field(default=None, max_length=10)
    privacy: PrivacyIn = PrivacyIn()
    notifications: NotificationsIn = NotificationsIn()


class AddressIn(Command):
    neighborhood: _Name | None = None
    city: _Name | None = None
    zone_id: str | None = Field(default=None, max_length=80)


class RegisterCitizen(Command):
    """Body of ``POST /citizens``."""

    full_name: _Name | None = None
    contacts: ContactsIn
    preferences: PreferencesIn = PreferencesIn()
    address: AddressIn = AddressIn()


class ChangeCitizen(Command):
    """Body of ``PATCH /citizens/me``: what is not sent stays as it is."""

    full_name: _Name | None = None
    preferences: PreferencesIn = PreferencesIn()
    address: AddressIn = AddressIn()


class RegisteredCitizen(Wire):
    """Answer to ``POST /citizens``: a code is on its way to the contact."""

    id: ObjectIdStr
    verification: Verification
    code_sent_by: Channel
    code_expires_at: Instant


class CodeSent(Wire):
    """A new code is on its way."""

    code_sent_by: Channel
    code_expires_at: Instant


class SignInStarted(Wire):
    """Answer to ``POST /citizens/sign-in``, the same whether the contact is known or not."""

    sign_in_id: ObjectIdStr
    code_expires_at: Instant


class VerifyCommand(Command):
    """Body of ``POST /citizens/{id}/verify``: the code as it was sent."""

    code: Code


class SignInCommand(VerifyCommand):
    """Body of ``POST /citizens/sign-in/verify``."""

    sign_in_id: ObjectIdStr


class CitizenToken(Wire):
    """A verified citizen's bearer token; null where another issuer makes the tokens."""

    citizen_id: ObjectIdStr
    token: str | None
    token_type: Literal["bearer"] = "bearer"
    expires_at: Instant | None


class CitizenRequests(Wire):
    """A page of a citizen's own requests, newest first."""

    items: list[FollowedRequest]
    next_cursor: ObjectIdStr | None


class CitizenStatistics(Wire):
    """What became of a citizen's reports; ``avg_rating`` is that of their own ratings."""

    total_requests: int
    open_requests: int
    by_status: dict[str, int]
    ratings: int
    avg_rating: float | None
