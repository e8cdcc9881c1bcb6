"""Which rule triages a new request, and what is left to staff."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from cst_city.catalog import Catalog
from cst_city.models import Category
from cst_testkit.factories import request_state
from cst_testkit.histories import LIFECYCLE
from cst_workflow.domain.triage import rule_of, triage, waits_because


def category(**overrides: Any) -> Category:
    values: dict[str, Any] = {
        "code": "pothole",
        "name": "Pothole",
        "department": "DOT",
        "skills": ("roads",),
        "priority": "P3",
        "public": "exact",
    }
    return Category.model_validate(values | overrides)


def document(description: str | None = "A hole", **overrides: Any) -> dict[str, Any]:
    return request_state(**overrides) | {"description": description}


STAFF = category(triage="staff", triage_words=("burst pipe", "flood"))


@pytest.mark.parametrize(
    ("text", "found", "rule"),
    [
        ("A hole", category(), "category:pothole"),
        ("A hole", None, None),
        ("A hole", STAFF, None),
        (None, STAFF, None),
        ("A BURST-PIPE!", STAFF, "word:burst pipe (category pothole)"),
        ("the flooding", STAFF, None),
    ],
)
def test_the_rule_that_fires(text: str | None, found: Category | None, rule: str | None) -> None:
    assert rule_of(document(text), found) == rule


def city(**overrides: Any) -> Catalog:
    return cast(Catalog, SimpleNamespace(categories={"pothole": category(**overrides)}))


def test_a_new_request_of_a_known_category_is_triaged_by_its_rule() -> None:
    [event] = triage(document(), city())
    assert (event.type, event.meta) == ("triaged", {"rule": "category:pothole"})
    assert event.by.actor_type == "system"


@pytest.mark.parametrize(
    ("overrides", "mode"),
    [
        ({}, "staff"),
        ({"category": "unheard_of"}, "auto"),
        ({"historic": True}, "auto"),
        ({"workflow": {"hold": {"reason": "weather"}}}, "auto"),
        ({"duplicates": {"is_master": False}}, "auto"),
        *(({"status": status}, "auto") for status in LIFECYCLE),
    ],
)
def test_the_rest_is_left_alone(overrides: dict[str, Any], mode: str) -> None:
    assert list(triage(document(**overrides), city(triage=mode))) == []


def test_who_waits_is_told_why() -> None:
    held = {"hold": {"reason": "weather"}}
    assert "none of the city's any more" in waits_because(document(), None)
    assert "triaged by staff" in waits_because(document(), STAFF)
    assert waits_because(document(workflow=held), category()) == "it is on hold: weather"


def test_words_mean_nothing_where_every_report_is_triaged_by_rule() -> None:
    with pytest.raises(ValidationError, match="triage is auto"):
        category(triage_words=("flood",))
