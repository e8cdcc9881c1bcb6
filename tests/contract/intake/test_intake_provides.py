"""Intake writes what the contracts say it does. It consumes nothing."""

from citizen_acts import citizens_act
from contract_kit import assert_writes_what_it_promises, deliveries, written_by
from talk_acts import people_talk

from cst_contracts.requests import CreateRequest
from cst_http.tokens import Caller, Tokens
from cst_intake.domain.imports import FORMATS, Reference, read_table
from cst_intake.importing import Importer
from cst_intake.requests import RequestService
from cst_process.core import Core
from cst_testkit.apps import report

HISTORY = """\
id,category,description,created_at,closed_at,lon,lat
30842117,graffiti,Tag on the wall,2015-06-14T15:22:00Z,2015-06-30T19:04:00Z,-73.9857,40.7484
31901558,noise,Party next door,2015-11-02T23:50:00Z,2015-11-02T23:49:30Z,,
"""


async def _import(core: Core) -> None:
    fmt, refused = FORMATS["csv"], list[object]()
    importer = Importer(
        core,
        fmt,
        Reference(await core.catalog.get()),
        reject=refused.append,
        progress=lambda tally: None,
    )
    await importer.run(read_table(HISTORY.splitlines(keepends=True), fmt), batch=10)
    assert refused == []


async def test_every_event_of_every_use_case(core: Core) -> None:
    intake = RequestService(core, Tokens(core.settings))
    for words in ("Deep hole, cyclist fell", "Sinkhole opening, smell of gas"):
        command = CreateRequest.model_validate(report(description=words))
        await intake.create(command, Caller(), key=words.replace(" ", "-"))
    await _import(core)
    await citizens_act(core)
    await people_talk(core)
    written = await written_by(core, "intake")
    assert_writes_what_it_promises(written, "intake")


def test_it_subscribes_to_nothing() -> None:
    assert deliveries("intake") == []
