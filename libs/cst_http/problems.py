"""Every error as ``application/problem+json`` (RFC 9457); no traceback reaches a caller."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException

from cst_core.errors import CstError
from cst_mongo.transactions import is_transient

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_MAX_SHOWN = 200


def problem(
    status: int, kind: str, title: str, detail: str, *, instance: str, **members: Any
) -> JSONResponse:
    """Return a problem answer; ``members`` are further fields of it."""
    body = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        **members,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if "retry_after_s" in members:
        headers["Retry-After"] = str(members["retry_after_s"])
    return JSONResponse(jsonable_encoder(body), status, headers=headers, media_type=MEDIA_TYPE)


def problem_of(error: CstError) -> dict[str, Any]:
    """Return the members of an error's problem, for answers that hold several."""
    body = {
        "type": f"/problems/{error.type}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        **error.members,
    }
    members: dict[str, Any] = jsonable_encoder(body)
    return members


def _shown(value: Any) -> Any:
    """A wrong value as the caller may see it again: small, and always JSON."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return value[:_MAX_SHOWN]
    if value is None or isinstance(value, bool | int):
        return value
    return repr(value)[:_MAX_SHOWN]


def _field_error(error: dict[str, Any]) -> dict[str, Any]:
    where, *path = error["loc"]
    field = ".".join(str(part) for part in path) or str(where)
    shown = {"field": field, "in": str(where), "message": error["msg"]}
    return shown | {"value": _shown(error.get("input"))}


async def _on_cst_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CstError)
    return problem(
        error.status,
        error.type,
        error.title,
        error.detail,
        instance=request.url.path,
        **error.members,
    )


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [_field_error(item) for item in error.errors()]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
    return problem(
        422, "invalid-input", "Invalid input", detail, instance=request.url.path, errors=errors
    )


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kinds = {404: "not-found", 405: "method-not-allowed"}
    kind = kinds.get(error.status_code, "http")
    title = str(error.detail)
    detail = f"{request.method} {request.url.path}: {title}"
    return problem(error.status_code, kind, title, detail, instance=request.url.path)


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    if not is_transient(error):
        return await _on_bug(request, error)
    log.error("database unreachable", path=request.url.path, error=str(error)[:300])
    return problem(
        503,
        "unavailable",
        "Temporarily unavailable",
        "the database cannot be reached; nothing was stored, try again",
        instance=request.url.path,
    )


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("unhandled error", path=request.url.path, exc_info=error)
    return problem(
        500, "internal", "Internal error", "this is a fault of CST", instance=request.url.path
    )


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(CstError, _on_cst_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(PyMongoError, _on_database)
    app.add_exception_handler(Exception, _on_bug)
