"""Reading the body of an addition of evidence: a form with a file, or JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from cst_contracts.evidence import EvidenceReference, EvidenceUpload
from cst_core.errors import InvalidInput, TooLarge
from cst_http.middleware import BodyTooLarge

M = TypeVar("M", bound=BaseModel)

MAX_JSON = 64 * 1024
_FORM, _JSON = "multipart/form-data", "application/json"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way, and what is said of it."""

    file: BinaryIO
    fields: EvidenceUpload


def body_schema(form: type[BaseModel], plain: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of the two bodies."""
    fields = form.model_json_schema()
    fields["properties"] = {"file": {"type": "string", "format": "binary"}} | fields["properties"]
    fields["required"] = ["file"]
    return {
        "required": True,
        "content": {
            _FORM: {"schema": fields},
            _JSON: {"schema": plain.model_json_schema()},
        },
    }


@asynccontextmanager
async def read_evidence(
    request: Request, max_bytes: int
) -> AsyncIterator[Upload | EvidenceReference]:
    """Read a body; a file lies in memory or, if large, on disk, and is gone at the end.

    Raises:
        InvalidInput, RequestValidationError: it is of another kind, or a field is wrong.
        TooLarge: the file is over ``max_bytes``.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given == _JSON:
        yield _valid(EvidenceReference, await _read_json(request))
        return
    if given != _FORM:
        raise InvalidInput.field("Content-Type", "is not accepted here", given, [_FORM, _JSON])
    form = await _read_form(request, max_bytes)
    try:
        yield _upload(form, max_bytes)
    finally:
        await form.close()


async def _read_form(request: Request, max_bytes: int) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=8, max_part_size=1024)
    except BodyTooLarge:
        raise TooLarge(f"the file is over {max_bytes} bytes") from None
    except ClientDisconnect:
        raise InvalidInput.field("body", "broke off", None) from None
    except HTTPException as error:
        raise InvalidInput.field("body", str(error.detail)[:200], None) from None


def _upload(form: FormData, max_bytes: int) -> Upload:
    file, texts = None, dict[str, str]()
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name != "file":
                raise InvalidInput.field(name, "takes no file", None, ["file"])
            file = value
        elif name == "file":
            raise InvalidInput.field("file", "is no file: its part needs a file name", None)
        elif name in texts:
            raise InvalidInput.field(name, "is given twice", value[:200])
        else:
            texts[name] = value
    fields = _valid(EvidenceUpload, texts)
    if file is None:
        raise InvalidInput.field("file", "is missing", None)
    if file.size is not None and file.size > max_bytes:
        raise TooLarge(f"the file has {file.size} bytes; at most {max_bytes} are allowed")
    return Upload(file.file, fields)


async def _read_json(request: Request) -> bytes:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_JSON:
                raise TooLarge(f"the body is over {MAX_JSON} bytes")
    except ClientDisconnect:
        raise InvalidInput.field("body", "broke off", None) from None
    return body


def _valid(model: type[M], given: bytes | dict[str, str]) -> M:
    try:
        if isinstance(given, bytes):
            return model.model_validate_json(given)
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [item | {"loc": ("body", *item["loc"])} for item in found]
        ) from None
