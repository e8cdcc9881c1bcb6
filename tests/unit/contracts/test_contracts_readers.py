"""Readers are patient, writers are not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cst_contracts.agents import CreateAgent
from cst_contracts.enums import Priority, Publicity, Status
from cst_contracts.events import EVENTS, Facts
from cst_contracts.problems import Problem
from cst_contracts.requests import CreateRequest

FACTS = {
    "category": "pothole",
    "zone_id": "MN05",
    "h3": None,
    "located": False,
    "priority": "P3",
    "status": "new",
    "is_master": True,
    "created_at": "2026-03-02T14:12:07.318999-05:00",
    "due_at": None,
    "historic": False,
    "public": "exact",
}


def test_unknown_values_are_read_as_unknown_and_unknown_fields_ignored() -> None:
    newer = {"priority": "P0", "status": "paused", "public": "friends", "mood": "sunny"}
    facts = Facts.model_validate(FACTS | newer)
    read = (facts.priority, facts.status, facts.public)
    assert read == (Priority.UNKNOWN, Status.UNKNOWN, Publicity.UNKNOWN)
    assert not hasattr(facts, "mood")


def test_instants_are_utc_to_the_millisecond() -> None:
    created_at = Facts.model_validate(FACTS).created_at
    assert created_at.isoformat() == "2026-03-02T19:12:07.318000+00:00"


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValidationError, match="created_at"):
        Facts.model_validate(FACTS | {"created_at": "2026-03-02T14:12:07"})


def test_what_callers_send_may_not_have_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        CreateRequest.model_validate({"categorie": "pothole"})


def test_an_agent_is_an_agent_unless_said_otherwise() -> None:
    assert CreateAgent.model_fields["roles"].default == ["agent"]


def test_a_problem_can_be_embedded_in_any_document() -> None:
    assert "$defs" not in Problem.model_json_schema()


def test_event_names_types_and_files_agree() -> None:
    spec = EVENTS["created"]
    assert spec.type == "cst.request.created"
    assert spec.dataschema == "urn:cst:schema:cst.request.created.v1"
    assert spec.file == "cst.request.created.v1.json"
