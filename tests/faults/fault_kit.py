"""What the fault tests share: clients who insist, and the answers they may get meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from cst_testkit.apps import Api, report
from cst_testkit.waiting import wait_until

Call = Callable[[], Awaitable[httpx.Response]]


def may_try_again(answer: httpx.Response) -> bool:
    """Tell whether an answer says 503 as it should: a problem, and no traceback."""
    if answer.status_code != 503:
        return False
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/unavailable"
    assert "Traceback" not in answer.text
    return True


async def insist(call: Call) -> httpx.Response:
    """Repeat a call for as long as it is answered with 503; return the other answer."""

    async def answered() -> list[httpx.Response]:
        answer = await call()
        return [] if may_try_again(answer) else [answer]

    return (await wait_until(answered, 90, "another answer than 503"))[0]


def filing(api: Api, key: str) -> Call:
    """Return the call that files a report under ``key``."""
    return lambda: api.client.post("/requests/", json=report(), headers={"Idempotency-Key": key})
