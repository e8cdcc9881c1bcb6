"""Contacts: one way to write each, and what is shown of them to whom."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cst_core.errors import InvalidInput

_LOCAL = re.compile(r"[^@\s\"<>(),:;\\\[\]]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_PHONE_MARKS = re.compile(r"[\s().\-/]")
#: Countries whose numbers are written as ten digits at home, all behind +1.
_TEN_DIGITS = frozenset({"US", "CA"})


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in its normal form; ``channel`` is ``email`` or ``sms``."""

    channel: str
    address: str

    @property
    def key(self) -> str:
        """By which it is told from every other contact."""
        return f"{self.channel}:{self.address}"


def email(field: str, text: str) -> Contact:
    """Return an e-mail address in its normal form: small letters, the domain in ASCII.

    Raises:
        InvalidInput: it is none; names ``field``.
    """
    local, _, domain = unicodedata.normalize("NFC", text).rpartition("@")
    printable = all(not unicodedata.category(char).startswith("C") for char in text)
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if not printable or dots or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise InvalidInput.field(field, "is not an e-mail address", text, ["name@example.org"])
    return Contact("email", f"{local.lower()}@{domain}")


def phone(field: str, text: str, country: str) -> Contact:
    """Return a phone number in its international form.

    Args:
        field: its name in an error.
        text: as it was written.
        country: the city's, whose national form is understood where it is ten digits.

    Raises:
        InvalidInput: it is none.
    """
    digits = _PHONE_MARKS.sub("", text)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if country in _TEN_DIGITS and re.fullmatch(r"1?[2-9][0-9]{9}", digits):
        digits = f"+1{digits[-10:]}"
    if not digits.isascii() or not _PHONE.fullmatch(digits):
        allowed = ["+ and the country's code, 8 to 15 digits in all"]
        raise InvalidInput.field(field, "is not a phone number", text, allowed)
    return Contact("sms", digits)


def read_contacts(
    email_text: str | None, phone_text: str | None, *, country: str, prefix: str = ""
) -> list[Contact]:
    """Return the given contacts in their normal forms, the e-mail address first.

    Raises:
        InvalidInput: one of them is none; the field's name begins with ``prefix``.
    """
    found: list[Contact] = []
    if email_text is not None:
        found.append(email(f"{prefix}email", email_text))
    if phone_text is not None:
        found.append(phone(f"{prefix}phone", phone_text, country))
    return found


def contacts_document(contacts: Iterable[Contact]) -> dict[str, str | None]:
    """Return ``contacts`` of a citizen's document."""
    by_channel = {contact.channel: contact.address for contact in contacts}
    return {"email": by_channel.get("email"), "phone": by_channel.get("sms")}


def contacts_of(citizen: dict[str, Any]) -> list[Contact]:
    """Return the contacts of a citizen's document, the e-mail address first."""
    stored = citizen["contacts"]
    pairs = (("email", stored["email"]), ("sms", stored["phone"]))
    return [Contact(channel, address) for channel, address in pairs if address is not None]


def shown_contacts(contacts: dict[str, str | None], roles: Iterable[str]) -> dict[str, str | None]:
    """Return what staff see of contacts: supervisors all, dispatchers a hint, auditors nothing."""
    held = set(roles)
    if held & {"supervisor", "admin"}:
        return contacts
    if "dispatcher" not in held:
        return {"email": None, "phone": None}
    return {"email": _masked_email(contacts["email"]), "phone": _masked_phone(contacts["phone"])}


def _masked_email(address: str | None) -> str | None:
    if address is None:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local[0]}***@{domain}"


def _masked_phone(number: str | None) -> str | None:
    return None if number is None else f"{number[:2]}***{number[-2:]}"
