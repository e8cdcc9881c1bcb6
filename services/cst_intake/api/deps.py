"""What intake's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from cst_contracts.base import RequestId
from cst_intake.use_cases import Intake


async def _use_cases(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


UseCases = Annotated[Intake, Depends(_use_cases)]
Id = Annotated[RequestId, Path()]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
]
Follow = Annotated[str | None, Query(max_length=64, description="signature of the reporter's link")]
