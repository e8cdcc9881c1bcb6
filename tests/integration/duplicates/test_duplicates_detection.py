"""Detection by the category's mode, wherever the reports lie and in whatever order they come."""

from __future__ import annotations

import random
from datetime import timedelta

import h3
import pytest
from duplicates_kit import Desk, fresh_place, moved

from app.registry import WORKERS
from cst_bus.processor import Processor
from cst_geo import leaf_cell
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.apps import running_api
from cst_testkit.pump import Pump
from cst_testkit.records import RecordingDeadLetters, record_of
from cst_workflow.domain.duplicates import Report
from cst_workflow.duplicates.repository import DuplicateRepository
from cst_workflow.duplicates.service import DuplicateWork


async def test_a_second_report_becomes_the_firsts_duplicate(desk: Desk) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 10))
    master, duplicate = await desk.load(first), await desk.load(second)
    assert (await desk.groups())[first] == {second}
    assert duplicate["duplicates"]["linked_at"] is not None
    assert (master["status"], duplicate["status"]) == ("triaged", "triaged")
    linked = [e for e in await desk.events(second) if e["type"] == "duplicate_linked"]
    assert [(e["meta"]["role"], e["meta"]["how"], e["meta"]["distance_m"]) for e in linked] == [
        ("duplicate", "auto", 10.0)
    ]
    assert linked[0]["by"] == {"actor_type": "system", "actor_id": "duplicates"}
    assert (await desk.types(first)).count("duplicate_linked") == 1


@pytest.mark.parametrize(
    ("metres", "linked"), [(19.9, True), (20.1, False)], ids=("within", "beyond")
)
async def test_the_radius_is_where_it_ends(desk: Desk, metres: float, linked: bool) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 0, metres))
    assert (second in (await desk.groups()).get(first, set())) is linked


async def test_both_sides_of_a_cells_border(desk: Desk) -> None:
    place = fresh_place()
    inside = h3.latlng_to_cell(place[1], place[0], 9)
    for corner_lat, corner_lon in h3.cell_to_boundary(inside)[:3]:
        here, there = moved((corner_lon, corner_lat), -6, -3), moved((corner_lon, corner_lat), 6, 3)
        assert leaf_cell(*here) != leaf_cell(*there)
        first, second = await desk.reported(here, there)
        assert (await desk.groups())[first] == {second}


async def test_other_categories_and_the_mode_off_are_left_alone(desk: Desk) -> None:
    place = fresh_place()
    pothole, light = await desk.file(place), await desk.file(place, "street_light")
    bins = [await desk.file(place, "missed_trash") for _ in range(2)]
    await desk.pump.drain()
    groups = await desk.groups()
    assert not {pothole, light, *bins} & (groups.keys() | set().union(*groups.values()))


async def test_a_less_urgent_master_does_not_take_a_more_urgent_report(desk: Desk) -> None:
    place = fresh_place()
    calm = await desk.file(place)
    urgent = await desk.file(place, description="A gas leak beside the pothole")
    await desk.pump.drain()
    assert (await desk.load(urgent))["priority"] == "P1"
    assert (await desk.load(urgent))["duplicates"]["is_master"]
    later = await desk.file(place)
    await desk.pump.drain()
    assert (await desk.load(later))["duplicates"]["master_request_id"] == calm


async def test_what_is_resolved_is_not_found_any_more(desk: Desk) -> None:
    place = fresh_place()
    (first,) = await desk.reported(place)
    await desk.take(first, "resolved", (await desk.hired())["id"])
    (second,) = await desk.reported(place)
    assert (await desk.load(second))["duplicates"]["is_master"]


async def test_what_came_before_the_window_is_not_found(desk: Desk) -> None:
    place = fresh_place()
    (first,) = await desk.reported(place)
    document = await desk.load(first)
    core = desk.api.core
    category = (await core.catalog.get()).category("pothole")
    old = document["timestamps"]["created_at"] - timedelta(hours=category.window_hours, minutes=1)
    # An event cannot move a creation; so the stored one is, and this request is not audited.
    await core.db["service_requests"].update_one(
        {"request_id": first}, {"$set": {"timestamps.created_at": old}}
    )
    (second,) = await desk.reported(place)
    assert (await desk.load(second))["duplicates"]["is_master"]
    await core.db["service_requests"].update_one(
        {"request_id": first},
        {"$set": {"timestamps.created_at": document["timestamps"]["created_at"]}},
    )


async def test_two_clusters_just_beyond_the_radius_stay_two(desk: Desk) -> None:
    place = fresh_place()
    west = [moved(place, 0, n) for n in range(5)]
    east = [moved(place, 25, n) for n in range(5)]
    ids = [await desk.file(spot) for pair in zip(west, east, strict=True) for spot in pair]
    await desk.pump.drain()
    groups = await desk.groups()
    assert groups[ids[0]] == set(ids[2::2])
    assert groups[ids[1]] == set(ids[3::2])


async def test_a_corrected_place_is_looked_at_again(desk: Desk) -> None:
    place = fresh_place()
    first, stray = await desk.reported(place, moved(place, 60))
    assert (await desk.load(stray))["duplicates"]["is_master"]
    await desk.relocate(stray, moved(place, 5))
    await desk.pump.drain()
    assert (await desk.groups())[first] == {stray}


async def test_any_order_of_events_gives_the_same_groups(mongo_uri: str) -> None:
    """Chains of reports, each near the next only: who is master depends on who is older."""
    places = [moved(fresh_place(), 15 * n) for n in range(6)]
    seen = set()
    for seed in range(4):
        async with running_api(mongo_uri) as api:
            desk = Desk(api, Pump(api.core, []))
            ids = [await desk.file((lon, places[0][1])) for lon, _ in places]
            records = []
            for offset, log in enumerate(await api.core.db["performance_logs"].find().to_list()):
                records.append(record_of(log["event_stream"][0], offset=offset))
            random.Random(seed).shuffle(records)
            await _worker(api.core).process(records)
            groups = await desk.groups()
            seen.add(
                tuple(
                    sorted(
                        (ids.index(m), tuple(sorted(map(ids.index, g)))) for m, g in groups.items()
                    )
                )
            )
    assert len(seen) == 1, seen


def _worker(core: Core) -> Processor:
    triage = WORKERS["workflow"].build(core).subscriptions[0]
    return Processor(core.db, triage.handler, RecordingDeadLetters(), chunk=1)


async def test_a_late_commit_takes_over_what_was_looked_at_before(desk: Desk) -> None:
    """Two intake processes: the older number, by its own clock, is stored after the younger."""
    place = fresh_place()
    older, younger = await desk.file(place), await desk.file(moved(place, 5))
    third = await desk.file(moved(place, -5))
    core = desk.api.core
    logs = core.db["performance_logs"]
    requests = core.db["service_requests"]
    hidden = await requests.find_one_and_delete({"request_id": older})
    assert hidden is not None
    hidden_log = await logs.find_one_and_delete({"request_id": hidden["_id"]})
    assert hidden_log is not None
    await desk.pump.drain()
    assert (await requests.find_one({"request_id": third}))["duplicates"][
        "master_request_id"
    ] == younger
    await requests.insert_one(hidden)
    await logs.insert_one(hidden_log)
    await desk.pump.drain()
    assert (await desk.groups())[older] == {younger, third}
    await desk.assert_sound()


async def test_a_late_commit_takes_over_what_was_looked_at_for_another(desk: Desk) -> None:
    """The younger became a master for the third's sake, before its own event came."""
    place = fresh_place()
    older, younger = await desk.file(place), await desk.file(moved(place, 5))
    third = await desk.file(moved(place, -5))
    core = desk.api.core
    hidden = await core.db["service_requests"].find_one_and_delete({"request_id": older})
    assert hidden is not None
    detection = DuplicateWork(core).detection
    await transact(core.db, lambda session: detection.detect(third, session))
    assert (await desk.load(third))["duplicates"]["master_request_id"] == younger
    await core.db["service_requests"].insert_one(hidden)
    await transact(core.db, lambda session: detection.detect(older, session))
    await desk.pump.drain()
    assert (await desk.groups())[older] == {younger, third}
    await desk.assert_sound()


async def test_the_look_around_is_answered_by_one_index(desk: Desk) -> None:
    place = fresh_place()
    (first,) = await desk.reported(place)
    core = desk.api.core
    category = (await core.catalog.get()).category("pothole")
    report = Report.of(await desk.load(first))
    wanted = DuplicateRepository.near(report, category.code, category)
    plan = await core.db.command(
        "explain",
        {"find": "service_requests", "filter": wanted},
        verbosity="executionStats",
    )
    text = str(plan["queryPlanner"]["winningPlan"])
    assert "masters_nearby" in text
    assert "COLLSCAN" not in text
    stats = plan["executionStats"]
    cells = len(wanted["location.h3"]["$in"])
    assert stats["totalDocsExamined"] <= 2
    assert stats["totalKeysExamined"] <= 10 * cells
