"""Routes of the KPIs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from cst_contracts.analytics import KpiReport
from cst_core.errors import Forbidden, Unauthenticated
from cst_http.auth import AnyCaller
from cst_http.tokens import Caller
from cst_sla.domain.kpi_csv import MEDIA_TYPE, csv_of, wanted_format
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.kpis.service import KpiService

router = APIRouter(prefix="/analytics")

_CSV = "With `Accept: text/csv` or `format=csv` the groups, or without groups the totals, as CSV"


async def _service(request: Request) -> KpiService:
    service: KpiService = request.app.state.sla.kpis
    return service


@router.get(
    "/kpis",
    response_model=KpiReport,
    responses={200: {"description": _CSV, "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def kpis(
    query: Annotated[KpiQuery, Query()],
    service: Annotated[KpiService, Depends(_service)],
    caller: AnyCaller,
    response: Response,
    accept: Annotated[str | None, Header(max_length=500)] = None,
) -> KpiReport | Response:
    """Return KPI totals, now or as of an instant; groups, filters and the past are for staff.

    What everybody gets may be some seconds old.
    """
    report = await _answer(query, service, caller)
    headers = {"Vary": "Accept, Authorization"}
    if wanted_format(query.format, accept) == "csv":
        name = f"kpis-{query.group_by or 'totals'}.csv"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(csv_of(report), media_type=MEDIA_TYPE, headers=headers)
    response.headers.update(headers)
    return report


async def _answer(query: KpiQuery, service: KpiService, caller: Caller) -> KpiReport:
    if caller.is_staff:
        return await service.report(query)
    if query.is_plain:
        return await service.totals()
    if caller.subject is None:
        raise Unauthenticated("without a token there are current totals only, no groups or filters")
    raise Forbidden("groups, filters and as_of are for staff; there are current totals for all")
