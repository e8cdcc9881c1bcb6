"""How to reach somebody."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cst_contracts.base import Command

_Email = Annotated[str, Field(min_length=3, max_length=254, examples=["ana@example.org"])]
_Phone = Annotated[str, Field(min_length=5, max_length=32, examples=["+12125550100"])]


class ContactsIn(Command):
    """How to reach somebody: an e-mail address, a phone number, or both."""

    email: _Email | None = None
    phone: _Phone | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.email is None and self.phone is None:
            raise ValueError("give an email, a phone, or both")
        return self


class ContactIn(Command):
    """One e-mail address, or one phone number."""

    email: _Email | None = None
    phone: _Phone | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise ValueError("give either an email or a phone")
        return self
