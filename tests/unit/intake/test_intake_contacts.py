"""Contacts: one normal form for every spelling, nothing that is none, and who sees how much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_core.errors import InvalidInput
from cst_intake.domain.contacts import (
    Contact,
    contacts_document,
    contacts_of,
    email,
    phone,
    read_contacts,
    shown_contacts,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana@example.org", "ana@example.org"),
        ("Ana.Ruiz+311@Example.ORG", "ana.ruiz+311@example.org"),
        ("o'brien@sub.example.co.uk", "o'brien@sub.example.co.uk"),
        ("josé@example.org", "josé@example.org"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
    ],
)
def test_an_address_has_one_form(text: str, address: str) -> None:
    assert email("email", text) == Contact("email", address)


@pytest.mark.parametrize(
    "text",
    [
        "ana",
        "ana@",
        "@example.org",
        "ana@localhost",
        "ana@@example.org",
        "ana ruiz@example.org",
        "ana@exa mple.org",
        "ana@-example.org",
        "ana@example-.org",
        "ana@example..org",
        ".ana@example.org",
        "ana.@example.org",
        "a..na@example.org",
        "ana@example.org\n",
        "ana@example.org\r\nBcc: b@example.org",
        "ana\x00@example.org",
        "ana\u202e@example.org",
        "<ana@example.org>",
        "ana,bob@example.org",
        "ana@192.168.1.1",
        f"{'a' * 65}@example.org",
        f"ana@{'a' * 64}.org",
        f"ana@{'abcdefghi.' * 26}org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        email("contacts.email", text)
    assert refused.value.members["errors"][0]["field"] == "contacts.email"


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+12125550100", "US", "+12125550100"),
        ("(212) 555-0100", "US", "+12125550100"),
        ("1 212.555.0100", "CA", "+12125550100"),
        ("+49 30/1234-567", "US", "+49301234567"),
        ("0049301234567", "DE", "+49301234567"),
    ],
)
def test_a_number_has_one_form(text: str, country: str, number: str) -> None:
    assert phone("phone", text, country) == Contact("sms", number)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("2125550100", "DE"),
        ("112-555-0100", "US"),
        ("+0123456789", "US"),
        ("+1234567", "US"),
        ("+1234567890123456", "US"),
        ("++12125550100", "US"),
        ("+1212555O100", "US"),
        ("+١٢١٢٥٥٥٠١٠٠", "US"),
        ("call me", "US"),
        ("", "US"),
    ],
)
def test_what_is_no_number_is_refused(text: str, country: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        phone("phone", text, country)
    assert refused.value.members["errors"][0]["field"] == "phone"


@given(st.text(max_size=60))
def test_a_form_is_its_own_form_whatever_was_written(text: str) -> None:
    for read in (lambda t: email("email", t), lambda t: phone("phone", t, "US")):
        try:
            contact = read(text)
        except InvalidInput:
            continue
        assert read(contact.address) == contact
        assert contact.address.isprintable()


def test_contacts_go_into_a_document_and_come_out_of_it() -> None:
    contacts = read_contacts("Ana@example.org", "212 555 0100", country="US")
    stored = contacts_document(contacts)
    assert stored == {"email": "ana@example.org", "phone": "+12125550100"}
    assert contacts_of({"contacts": stored}) == contacts
    assert contacts_of({"contacts": {"email": None, "phone": None}}) == []


@pytest.mark.parametrize(
    ("roles", "email_shown", "phone_shown"),
    [
        ({"supervisor"}, "ana@example.org", "+12125550100"),
        ({"admin", "auditor"}, "ana@example.org", "+12125550100"),
        ({"dispatcher"}, "a***@example.org", "+1***00"),
        ({"auditor"}, None, None),
        ({"agent"}, None, None),
        (set(), None, None),
    ],
)
def test_who_sees_how_much(
    roles: set[str], email_shown: str | None, phone_shown: str | None
) -> None:
    stored: dict[str, str | None] = {"email": "ana@example.org", "phone": "+12125550100"}
    assert shown_contacts(stored, roles) == {"email": email_shown, "phone": phone_shown}
    nothing: dict[str, str | None] = {"email": None, "phone": None}
    assert shown_contacts(nothing, roles) == nothing
