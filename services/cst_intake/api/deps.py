"""What intake's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from cst_contracts.base import RequestId
from cst_intake.use_cases import Intake


async def _use_cases(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


UseCases = Annotated[Intake, Depends(_use_cases)]
Id = Annotated[RequestId, Path()]
Follow = Annotated[str | None, Query(max_length=64, description="signature of the reporter's link")]
