"""Answers kept for a moment, so that what everybody may ask cannot load the database at will."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

#: How long an answer is given again before it is made anew, in wall seconds …
FRESH_S = 2.0
#: … and in times of what it took to make.
FRESH_TIMES = 10
#: Answers kept at most, those asked for last; one may have some megabytes.
KEPT = 20

Query = TypeVar("Query", bound=BaseModel)
QueryIn = TypeVar("QueryIn", bound=BaseModel, contravariant=True)
Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Report(Protocol[QueryIn, AnswerOut]):
    """Makes an answer."""

    async def __call__(self, query: QueryIn, *, staff: bool) -> AnswerOut: ...


@dataclass
class _Kept(Generic[Answer]):
    """An answer, or the making of one: who comes meanwhile waits for it."""

    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Answer | None = None
    fresh_until: float = 0.0


class Answers(Generic[Query, Answer]):
    """Staff get an answer made for them; everybody else one that may be some seconds old."""

    def __init__(self, report: Report[Query, Answer]) -> None:
        self._report = report
        self._kept: OrderedDict[str, _Kept[Answer]] = OrderedDict()

    async def get(self, query: Query, *, staff: bool) -> Answer:
        """Return the answer; raises what making it raises, and keeps nothing then."""
        if staff:
            return await self._report(query, staff=True)
        kept = self._slot(query.model_dump_json())
        async with kept.making:
            if kept.answer is None or time.monotonic() > kept.fresh_until:
                began = time.monotonic()
                kept.answer = await self._report(query, staff=False)
                ended = time.monotonic()
                kept.fresh_until = ended + max(FRESH_S, FRESH_TIMES * (ended - began))
            return kept.answer

    def _slot(self, question: str) -> _Kept[Answer]:
        kept = self._kept.setdefault(question, _Kept())
        self._kept.move_to_end(question)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept
