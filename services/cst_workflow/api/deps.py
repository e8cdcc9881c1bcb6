"""What workflow's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from cst_contracts.base import RequestId
from cst_workflow.use_cases import Workflow


async def _use_cases(request: Request) -> Workflow:
    workflow: Workflow = request.app.state.workflow
    return workflow


UseCases = Annotated[Workflow, Depends(_use_cases)]
Id = Annotated[RequestId, Path()]
