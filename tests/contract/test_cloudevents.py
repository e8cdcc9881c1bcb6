"""Events are CloudEvents 1.0, by the specification's own words (its SDK is not needed to read)."""

import re
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from contract_kit import Event, examples

from cst_contracts.events import EVENTS

EVERY = [(name, event) for name in EVENTS for event in examples(name)]
REQUIRED = ("id", "source", "specversion", "type")
OPTIONAL = ("datacontenttype", "dataschema", "subject", "time")
EXTENSIONS = {"traceparent": str, "seq": int, "version": int}


@pytest.mark.parametrize(("name", "event"), EVERY)
class TestCloudEvents:
    def test_required_attributes_are_non_empty_strings(self, name: str, event: Event) -> None:
        for attribute in REQUIRED:
            assert isinstance(event[attribute], str), attribute
            assert event[attribute], attribute
        assert event["specversion"] == "1.0"
        assert event["type"] == f"cst.request.{name}"

    def test_attribute_names_are_lower_case_letters_and_digits(
        self, name: str, event: Event
    ) -> None:
        assert set(event) == {*REQUIRED, *OPTIONAL, *EXTENSIONS, "data"}
        assert all(re.fullmatch(r"[a-z0-9]{1,20}", attribute) for attribute in event)

    def test_attributes_have_the_types_of_the_specification(self, name: str, event: Event) -> None:
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        assert event["datacontenttype"] == "application/json"
        assert urlsplit(event["source"]).path == event["source"]  # a URI reference
        schema = urlsplit(event["dataschema"])
        assert schema.scheme == "urn"  # an absolute URI: a scheme and no fragment
        assert not schema.fragment
        for attribute, kind in EXTENSIONS.items():
            assert isinstance(event[attribute], kind)
        assert -(2**31) <= event["seq"] < 2**31

    def test_id_is_unique_and_sorts_by_time_of_writing(self, name: str, event: Event) -> None:
        assert UUID(event["id"]).version == 7
        assert [other["id"] for _, other in EVERY].count(event["id"]) == 1
        written = datetime.fromisoformat(event["data"]["recorded_at"]).timestamp()
        assert int(event["id"].replace("-", "")[:12], 16) == round(written * 1000)

    def test_trace_context_is_w3c(self, name: str, event: Event) -> None:
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", event["traceparent"])
