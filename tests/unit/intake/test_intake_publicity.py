"""What the public may see under a citizen's preferences, for every state it can be in."""

from __future__ import annotations

from typing import Any

import pytest

from cst_intake.domain.publicity import opted_out, shares, wished
from cst_testkit.cities import new_york

CATEGORIES = {category.code: category for category in new_york().categories}
EXACT = next(code for code, category in CATEGORIES.items() if category.public == "exact")
AREA = next(code for code, category in CATEGORIES.items() if category.public == "area")


def citizen(shared: bool) -> dict[str, Any]:
    return {"preferences": {"privacy": {"share_publicly_on_map": shared}}}


def document(public: str, category: str, *, asked: bool = True) -> dict[str, Any]:
    reference = {"citizen_id": None, "share_publicly": asked}
    return {"public": public, "category": category, "citizen_ref": reference}


@pytest.mark.parametrize(
    ("public", "category", "asked", "shared", "expected"),
    [
        ("exact", EXACT, True, True, "exact"),
        ("exact", EXACT, True, False, "area"),
        ("area", EXACT, True, True, "exact"),
        ("area", EXACT, True, False, "area"),
        ("area", EXACT, False, True, "area"),
        ("none", EXACT, True, True, "none"),
        ("none", EXACT, True, False, "none"),
        ("area", AREA, True, True, "area"),
        ("area", AREA, True, False, "area"),
        ("exact", "no_longer_there", True, False, "area"),
        ("exact", "no_longer_there", True, True, "exact"),
        ("area", "no_longer_there", True, True, "area"),
    ],
)
def test_the_wish_lowers_and_never_raises_above_the_category(
    public: str, category: str, asked: bool, shared: bool, expected: str
) -> None:
    request = document(public, category, asked=asked)
    assert wished(request, CATEGORIES, citizen(shared)) == expected


def test_who_is_nobody_shares_unless_the_report_says_no() -> None:
    assert shares(None)
    assert not opted_out(document("exact", EXACT), None)
    assert opted_out(document("exact", EXACT, asked=False), None)


def test_a_request_from_before_the_wish_was_kept_asked_for_nothing() -> None:
    old = {"public": "area", "category": EXACT, "citizen_ref": {"citizen_id": None}}
    assert not opted_out(old, citizen(True))
    assert opted_out(old, citizen(False))
