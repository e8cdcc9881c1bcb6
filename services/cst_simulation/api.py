"""The REST API as the simulation calls it: bounded, and patient with a broken connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from cst_core.errors import CstError

CONCURRENCY = 64
TIMEOUT_S = 15.0
#: Attempts at one call, and the pause before the second; it doubles.
ATTEMPTS, PAUSE_S = 7, 0.25


class ApiError(CstError):
    """A call that has failed for good; the text is one line."""


class Api:
    """Calls one CST API; at most ``CONCURRENCY`` calls are under way at a time."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
        self._client = httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_S, limits=limits)
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        **arguments: Any,
    ) -> httpx.Response:
        """Call and return the answer, whatever its status below 500.

        A ``repeatable`` call is sent again, just the same, when the connection breaks.

        Raises:
            ApiError: no answer, or a 5xx.
        """
        attempts = ATTEMPTS if repeatable else 1
        for attempt in range(attempts):
            try:
                async with self._slots:
                    answer = await self._client.request(
                        method, path, headers=dict(headers or {}), **arguments
                    )
            except httpx.TransportError as error:
                if attempt + 1 == attempts:
                    raise ApiError(f"{self.url} does not answer: {type(error).__name__}") from None
                await asyncio.sleep(PAUSE_S * 2**attempt)
                continue
            if answer.is_server_error:
                raise ApiError(problem_of(answer))
            return answer
        raise AssertionError("the last attempt returns or raises")

    async def get(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Any:
        """Return the JSON of a GET, which is not repeated; ``ApiError`` as ``send``."""
        return await self.send("GET", path, headers=headers, params=params, repeatable=False)

    async def send(self, method: str, path: str, **arguments: Any) -> Any:
        """Call and return the JSON of the answer.

        Raises:
            ApiError: no answer, or one that is not 2xx.
        """
        answer = await self.call(method, path, **arguments)
        if not answer.is_success:
            raise ApiError(f"{self.url}{path}: {problem_of(answer)}")
        return answer.json()


def problem_of(answer: httpx.Response) -> str:
    """Return status and title of a refusal, the same for all of its kind."""
    try:
        title = answer.json()["title"]
    except (ValueError, KeyError, TypeError):
        title = answer.reason_phrase
    return f"{answer.status_code} {title}"
