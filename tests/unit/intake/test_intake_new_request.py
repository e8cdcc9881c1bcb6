"""A new request's first state: computed from what was sent and from the city."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cst_city.catalog import Catalog
from cst_contracts.requests import CreateRequest
from cst_core.errors import InvalidInput
from cst_drafts import Draft, draft_request
from cst_geo import ZoneIndex, leaf_cell
from cst_ledger.events import By
from cst_testkit.apps import report
from cst_testkit.cities import new_york
from cst_testkit.histories import written

NOW = datetime(2026, 3, 3, 17, tzinfo=UTC)
CITIZEN = By("citizen", "anonymous")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    city = new_york()
    return Catalog(
        fingerprint="test",
        city=city.spec,
        categories={category.code: category for category in city.categories},
        policies=tuple(city.policies),
        policies_version=1,
        zone_names={zone.zone_id: zone.name for zone in city.zones},
        zones=ZoneIndex(city.zones, snap_m=city.spec.zone_snap_m, boundary=city.boundary),
    )


def draft(catalog: Catalog, **overrides: Any) -> Draft:
    return draft_request(
        CreateRequest.model_validate(report(**overrides)),
        catalog=catalog,
        rules_version="v1.0",
        first_steps=["triaged"],
        by=CITIZEN,
        now=NOW,
    )


def state(catalog: Catalog, **overrides: Any) -> dict[str, Any]:
    return written([draft(catalog, **overrides).event]).document


def test_a_draft_is_a_whole_document(catalog: Catalog) -> None:
    document = state(catalog, tags=["urgent"], sub_category="deep")
    assert document["description"] == "Large pothole near downtown"
    assert document["location"]["address_hint"] == "Main St"
    assert document["location"]["h3"] == leaf_cell(-74.0, 40.71)
    assert (document["tags"], document["sub_category"]) == (["urgent"], "deep")
    assert document["timestamps"]["created_at"] == NOW
    assert (document["version"], document["ledger"]["seq"]) == (1, 0)


def test_free_text_stands_beside_its_salt_and_nowhere_else(catalog: Catalog) -> None:
    event = draft(catalog).event
    assert event.message == "Large pothole near downtown"
    assert "description" not in event.changes
    assert "address_hint" not in event.changes["location"]
    assert not any("pothole near" in str(value) for value in event.changes.values())


@pytest.mark.parametrize(
    ("category", "share", "public"),
    [
        ("pothole", True, "exact"),
        ("pothole", False, "area"),
        ("sewer_backup", True, "area"),
        ("sewer_backup", False, "area"),
        ("homeless_assistance", True, "none"),
        ("homeless_assistance", False, "none"),
    ],
)
def test_an_opt_out_lowers_and_never_raises(
    catalog: Catalog, category: str, share: bool, public: str
) -> None:
    assert state(catalog, category=category, share_publicly=share)["public"] == public


def test_danger_is_told_to_the_citizen_and_in_the_event(catalog: Catalog) -> None:
    harmless, danger = draft(catalog), draft(catalog, description="smell of gas")
    assert (harmless.advice, harmless.event.meta["dangerous"]) == (None, False)
    assert danger.advice == catalog.city.emergency_advice
    assert danger.event.changes["priority"] == "P1"
    assert "smell of gas" in danger.event.meta["priority_reason"]


def test_a_point_a_little_out_at_sea_takes_the_nearest_zone(catalog: Catalog) -> None:
    near = state(catalog, location={"coordinates": [-74.0197, 40.7045]})["location"]
    assert (near["zone_id"], near["snapped"]) == ("MN01", True)
    with pytest.raises(InvalidInput, match="outside the service area"):
        draft(catalog, location={"coordinates": [-73.5, 40.4]})
