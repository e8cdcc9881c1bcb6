"""Who has what to do, who has how much, and where nobody is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from cst_contracts.base import ObjectIdStr
from cst_contracts.dispatch_views import (
    AgentLoad,
    CoverageGap,
    CoverageGaps,
    Load,
    LoadByAgent,
    LoadBySkill,
    LoadByZone,
    SkillLoad,
    TimeSpan,
    UncoveredDay,
    WorkItem,
    Worklist,
    ZoneLoad,
)
from cst_core.errors import InvalidInput
from cst_dispatch.domain.coverage import Gap
from cst_dispatch.domain.shifts import Window
from cst_dispatch.views import DispatchViews, last_day
from cst_http.auth import Staff, StaffOrAgent
from cst_ledger.events import Document

router = APIRouter()

#: Agents of a page where no ``limit`` is given.
PAGE = 100


async def _views(request: Request) -> DispatchViews:
    views: DispatchViews = request.app.state.dispatch.views
    return views


Views = Annotated[DispatchViews, Depends(_views)]
Name = Annotated[str | None, Query(max_length=80)]


@router.get("/agents/{agent_id}/worklist")
async def agent_worklist(
    agent_id: Annotated[ObjectIdStr, Path()],
    views: Views,
    caller: StaffOrAgent,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Worklist:
    """List an agent's open work by due time; agents see their own only."""
    page, next_cursor = await views.worklist(agent_id, caller, cursor, limit)
    return Worklist(items=[_work_item(document) for document in page], next_cursor=next_cursor)


@router.get("/dispatch/load")
async def dispatch_load(
    views: Views,
    _: Staff,
    group_by: Literal["agent", "zone", "skill"] = "agent",
    limit: Annotated[int | None, Query(ge=1, le=500, description="With agents only")] = None,
    cursor: Annotated[str | None, Query(max_length=60, description="With agents only")] = None,
) -> Load:
    """Say how much open work there is, and who is there for it, by agent, zone or skill."""
    if group_by == "agent":
        page, after = await views.load_by_agent(cursor, limit or PAGE)
        loads = [AgentLoad.model_validate(load) for load in page]
        return LoadByAgent(items=loads, next_cursor=after)
    for field, value in (("limit", limit), ("cursor", cursor)):
        if value is not None:
            raise InvalidInput.field(field, "goes with group_by=agent only", value)
    if group_by == "zone":
        zones = await views.load_by_zone()
        return LoadByZone(items=[ZoneLoad.model_validate(load) for load in zones])
    skills = await views.load_by_skill()
    return LoadBySkill(items=[SkillLoad.model_validate(load) for load in skills])


@router.get("/dispatch/coverage-gaps")
async def coverage_gaps(
    views: Views, _: Staff, skill: Name = None, category: Name = None, zone_id: Name = None
) -> CoverageGaps:
    """Say when nobody is there in the seven days that begin with today, for what and where."""
    first, timezone, found = await views.coverage_gaps(skill, category, zone_id)
    return CoverageGaps(
        first_day=first,
        last_day=last_day(first),
        timezone=timezone,
        gaps=[_gap(gap) for gap in found],
    )


def _work_item(document: Document) -> WorkItem:
    location, hold = document["location"], document["workflow"].get("hold")
    return WorkItem.model_validate(
        {
            **document,
            "zone_id": location["zone_id"],
            "coordinates": location["coordinates"] if location["located"] else None,
            "address_hint": location.get("address_hint"),
            "since": document["assignment"].get("since"),
            "hold_reason": hold["reason"] if hold else None,
        }
    )


def _gap(gap: Gap) -> CoverageGap:
    return CoverageGap(
        categories=list(gap.needs),
        skills=sorted(gap.skills),
        zone_ids=list(gap.zones),
        days=[
            UncoveredDay(day=day.day, weekday=day.weekday, minutes=day.minutes, whole=day.whole)
            for day in gap.days
        ],
        uncovered=[_span(window) for window in gap.uncovered],
        beyond_on_call=[_span(window) for window in gap.beyond_on_call],
    )


def _span(window: Window) -> TimeSpan:
    return TimeSpan(starts_at=window[0], ends_at=window[1])
