"""The relay publishes what services wrote, as the contracts say, and no event of its own."""

from collections.abc import Sequence

import orjson
from contract_kit import deliveries, named_producer_of, validator

from cst_contracts.events import EVENTS, RequestEvent
from cst_contracts.topics import REQUEST_EVENTS
from cst_ledger.ledger import LOGS
from cst_relay.domain.records import Record
from cst_relay.request_events import RequestEvents
from cst_testkit.apps import Api
from cst_testkit.pump import Pump

WORDS = "Deep hole by the hydrant at number 12"
FEED = RequestEvents("new-york")


async def _live_through(api: Api, pump: Pump) -> None:
    """Take a request from the report to its end, with text at every step that takes some."""
    request_id = (await api.file(description=WORDS))["request_id"]
    await pump.drain()
    for step in ({"to": "in_progress"}, {"to": "resolved", "resolution_code": "fixed"}):
        answer = await api.step(request_id, note=WORDS, **step)
        assert answer.status_code == 200, answer.text


def _assert_published_as_promised(records: Sequence[Record]) -> None:
    for record in records:
        event = RequestEvent.model_validate_json(record.value)
        validator(event.name).validate(orjson.loads(record.value))
        headers = {name: value.decode() for name, value in record.headers}
        assert record.key.decode() == event.subject
        assert not record.dead
        assert WORDS.encode() not in record.value
        assert headers["content-type"] == "application/cloudevents+json"
        stated = {name: str(getattr(event, name)) for name in ("id", "source", "type", "subject")}
        assert {name: headers[f"ce_{name}"] for name in stated} == stated
        assert int(headers["ce_seq"]) == event.seq


async def test_the_change_stream_becomes_records(api: Api, pump: Pump) -> None:
    logs, records = api.core.db[LOGS.name], list[Record]()
    async with await logs.watch(FEED.pipeline(), max_await_time_ms=200) as stream:
        await _live_through(api, pump)
        while (change := await stream.try_next()) is not None:
            if (reading := FEED.read(change)) is not None:
                records += reading.records
    seqs = [RequestEvent.model_validate_json(record.value).seq for record in records]
    assert seqs == list(range(len(seqs)))
    assert len(seqs) >= 7
    _assert_published_as_promised(records)


async def test_the_stored_ledger_becomes_the_same_records(api: Api, pump: Pump) -> None:
    await _live_through(api, pump)
    async for document in FEED.documents(api.core.db[LOGS.name], None):
        _assert_published_as_promised(FEED.read_document(document).records)


async def test_what_is_malformed_is_a_dead_letter_without_its_text(api: Api) -> None:
    await api.file(description=WORDS)
    log = await api.core.db[LOGS.name].find_one()
    assert log is not None
    log["event_stream"][0] |= {"type": "unheard_of", "meta": {"message": WORDS}}
    record = FEED.read_document(log).records[0]
    assert record.dead
    assert WORDS.encode() not in record.value
    assert dict(record.headers)["cst_dlq_topic"] == REQUEST_EVENTS.name.encode()


def test_it_writes_and_consumes_no_event() -> None:
    assert named_producer_of("relay") == set()
    assert deliveries("relay") == []
    assert FEED.topic is REQUEST_EVENTS
    assert all(spec.producers for spec in EVENTS.values())
