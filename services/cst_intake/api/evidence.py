"""Routes of evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from cst_contracts.evidence import AddedEvidence, EvidenceList, EvidenceReference, EvidenceUpload
from cst_core.settings import Settings
from cst_http.auth import AnyCaller
from cst_http.middleware import FileRoute, database_deadline
from cst_intake.api.deps import Follow, Id, UseCases
from cst_intake.api.uploads import body_schema, read_evidence
from cst_intake.domain.content import EXTENSIONS
from cst_intake.evidence import Sender
from cst_ledger.events import Document

router = APIRouter()

#: What a multipart body needs beside its file.
_ENVELOPE = 64 * 1024
_EvidenceId = Annotated[str, Path(min_length=1, max_length=64)]
_SENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {} for media_type in EXTENSIONS}, "description": "The file"},
    304: {"description": "Not changed since the ETag in If-None-Match"},
    307: {"description": "The content lies elsewhere"},
}


def file_routes(settings: Settings) -> Sequence[FileRoute]:
    """Return the routes whose bodies or answers are files."""
    one = r"/requests/[^/]+/evidence"
    return (
        FileRoute("POST", re.compile(one), settings.evidence_max_bytes + _ENVELOPE),
        FileRoute("GET", re.compile(one + r"/[^/]+")),
    )


@router.post(
    "/requests/{request_id}/evidence",
    status_code=201,
    openapi_extra={"requestBody": body_schema(EvidenceUpload, EvidenceReference)},
)
async def add_evidence(
    request_id: Id,
    request: Request,
    use_cases: UseCases,
    caller: AnyCaller,
    response: Response,
    follow: Follow = None,
) -> AddedEvidence:
    """Add a photo, video or file: multipart with a ``file``, or JSON with the address of one.

    The type is told from the content. Photos are stored without their metadata (place, device,
    times), so ``sha256`` is of what is stored and ``sent_sha256`` of what was sent.
    """
    sender, service = Sender(caller, follow), use_cases.evidence
    with database_deadline():
        await service.check_may_add(request_id, sender)
    async with read_evidence(request, service.max_bytes) as sent:
        if isinstance(sent, EvidenceReference):
            added = await service.add_reference(request_id, sent, sender)
        else:
            added = await service.add_file(request_id, sent.file, sent.fields, sender)
    response.headers["Location"] = added.item["url"]
    return AddedEvidence.model_validate(
        added.item | {"request_id": request_id, "sent_sha256": added.sent_sha256}
    )


@router.get("/requests/{request_id}/evidence")
async def list_evidence(
    request_id: Id, use_cases: UseCases, caller: AnyCaller, follow: Follow = None
) -> EvidenceList:
    """Return the evidence that the caller may see."""
    _, items = await use_cases.evidence.items(request_id, caller, follow)
    return EvidenceList.model_validate({"request_id": request_id, "items": items})


@router.get(
    "/requests/{request_id}/evidence/{evidence_id}",
    response_class=StreamingResponse,
    responses=_SENT,
)
async def get_evidence(
    request_id: Id,
    evidence_id: _EvidenceId,
    use_cases: UseCases,
    caller: AnyCaller,
    follow: Follow = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Send a file, or to where it lies."""
    service = use_cases.evidence
    with database_deadline():
        item = await service.item(request_id, evidence_id, caller, follow)
        link = await service.link(evidence_id)
    headers = _headers(request_id, item)
    if link is not None:
        return RedirectResponse(link, 307, headers=headers | {"Referrer-Policy": "no-referrer"})
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    pieces = await service.content(request_id, evidence_id)
    media_type = item["content_type"]
    if media_type == "text/plain":
        media_type += "; charset=utf-8"
    headers["Content-Length"] = str(item["size"])
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


def _headers(request_id: str, item: Document) -> dict[str, str]:
    """Headers by which a browser shows a picture or a film and runs nothing, whatever it is."""
    extension = EXTENSIONS.get(item["content_type"] or "", "bin")
    shown = "attachment" if item["type"] == "file" else "inline"
    name = f"{request_id}-{item['evidence_id']}.{extension}"
    return {
        "ETag": f'"{item["sha256"]}"',
        "Content-Disposition": f'{shown}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
    }
