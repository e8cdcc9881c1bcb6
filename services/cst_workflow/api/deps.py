"""What workflow's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from cst_contracts.base import RequestId
from cst_contracts.documents import ServiceRequest
from cst_ledger.events import Document
from cst_ledger.views import staff_view
from cst_workflow.use_cases import Workflow


async def _use_cases(request: Request) -> Workflow:
    workflow: Workflow = request.app.state.workflow
    return workflow


UseCases = Annotated[Workflow, Depends(_use_cases)]
Id = Annotated[RequestId, Path()]
Cursor = Annotated[str | None, Query(max_length=300)]
Follow = Annotated[str | None, Query(max_length=64, description="signature of the reporter's link")]


def answer(document: Document, response: Response) -> ServiceRequest:
    """Return a request as staff see it, with its version as ``ETag``."""
    response.headers["ETag"] = f'"{document["version"]}"'
    return ServiceRequest.model_validate(staff_view(document))
