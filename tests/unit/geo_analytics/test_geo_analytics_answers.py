"""Answers are made once for everybody who asks at the same time, and anew for staff."""

from __future__ import annotations

import asyncio

import pytest

from cst_geo_analytics.domain.insight_queries import ZonesQuery
from cst_geo_analytics.insights import answers
from cst_geo_analytics.insights.answers import KEPT, Answers


class Maker:
    """Counts how often it is asked; the first ``failures`` times it fails."""

    def __init__(self, failures: int = 0) -> None:
        self.made = 0
        self._failures = failures

    async def __call__(self, query: ZonesQuery, *, staff: bool) -> tuple[int, int, bool]:
        self.made += 1
        await asyncio.sleep(0)
        if self.made <= self._failures:
            raise RuntimeError("no database")
        return query.days, self.made, staff


async def test_who_asks_the_same_at_once_gets_one_answer() -> None:
    make = Maker()
    asked = Answers(make)
    found = await asyncio.gather(*(asked.get(ZonesQuery(days=3), staff=False) for _ in range(20)))
    assert set(found) == {(3, 1, False)}
    assert await asked.get(ZonesQuery(days=4), staff=False) == (4, 2, False)


async def test_staff_get_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Answers(Maker())
    await asked.get(ZonesQuery(), staff=False)
    assert await asked.get(ZonesQuery(), staff=True) == (30, 2, True)
    assert await asked.get(ZonesQuery(), staff=True) == (30, 3, True)
    assert await asked.get(ZonesQuery(), staff=False) == (30, 1, False)


async def test_an_old_answer_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FRESH_S", -1.0)
    monkeypatch.setattr(answers, "FRESH_TIMES", 0)
    asked = Answers(Maker())
    await asked.get(ZonesQuery(), staff=False)
    assert await asked.get(ZonesQuery(), staff=False) == (30, 2, False)


async def test_a_failure_is_not_kept() -> None:
    asked = Answers(Maker(failures=1))
    with pytest.raises(RuntimeError):
        await asked.get(ZonesQuery(), staff=False)
    assert await asked.get(ZonesQuery(), staff=False) == (30, 2, False)


async def test_no_more_answers_are_kept_than_stated() -> None:
    make = Maker()
    asked = Answers(make)
    for days in range(1, KEPT + 2):
        await asked.get(ZonesQuery(days=days), staff=False)
    await asked.get(ZonesQuery(days=KEPT + 1), staff=False)
    assert make.made == KEPT + 1
    await asked.get(ZonesQuery(days=1), staff=False)
    assert make.made == KEPT + 2
