"""Duplicates on real reports: the groups found, and where the city links by rule.

The groups are compared with those of a reading of the rule that asks every older master.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import yaml
from boston_csv import FULL, REPOSITORY, SNAPSHOT_END, TIMEOUT, BostonFile, Row
from boston_run import BostonRun

from cst_workflow.domain.duplicates import Report, find_groups

RADIUS_M, WINDOW = 60.0, timedelta(days=14)
EARTH_M = 6_371_008.8
pytestmark = pytest.mark.timeout(TIMEOUT)


@dataclass(frozen=True)
class Rule:
    radius_m: float = RADIUS_M
    window_hours: float = WINDOW / timedelta(hours=1)


@dataclass
class Masters:
    """A category's masters so far, in order of age, as columns."""

    rows: list[Row] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)

    def oldest_for(self, new: Row) -> Row | None:
        near = np.flatnonzero(self._metres(new) <= RADIUS_M)
        for index in near:
            old = self.rows[index]
            still_open = old.closed is None or old.closed > new.opened
            if new.opened - old.opened <= WINDOW and still_open:
                return old
        return None

    def _metres(self, new: Row) -> np.ndarray[Any, Any]:
        if not self.rows:
            return np.empty(0)
        lon, lat = np.radians(np.array(self.points)).T
        new_lon, new_lat = np.radians(new.point)
        half = np.sin((lat - new_lat) / 2) ** 2
        half = half + np.cos(lat) * np.cos(new_lat) * np.sin((lon - new_lon) / 2) ** 2
        return 2 * EARTH_M * np.arcsin(np.sqrt(half))

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.points.append(row.point)


def by_category(file: BostonFile) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in file.located:
        found[row.category].append(row)
    return found


def brute_force(rows: list[Row]) -> list[tuple[Row, Row]]:
    """Return the pairs (master, duplicate) of one category."""
    masters, pairs = Masters(), []
    for row in sorted(rows, key=lambda each: (each.opened, each.id)):
        master = masters.oldest_for(row)
        if master is None:
            masters.add(row)
        else:
            pairs.append((master, row))
    return pairs


@pytest.fixture(scope="session")
def expected(boston_file: BostonFile) -> dict[str, list[tuple[Row, Row]]]:
    return {code: brute_force(rows) for code, rows in by_category(boston_file).items()}


@pytest.fixture(scope="session")
async def reported(boston: BostonRun) -> dict[str, dict[str, Any]]:
    """What the command says, by category, with the city's own ids in the groups."""
    done = boston.cst("duplicates", "report", "--json")
    assert done.returncode == 0, done.stderr
    source_of = {
        row["request_id"]: source
        for source, row in (await boston.by_source({"request_id": 1})).items()
    }
    found = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        row["groups"] = {
            source_of[group["master"]]: [source_of[each] for each in group["duplicates"]]
            for group in row["groups"]
        }
        found[row["category"]] = row
    return found


def test_the_groups_are_those_of_brute_force(
    reported: dict[str, dict[str, Any]], expected: dict[str, list[tuple[Row, Row]]]
) -> None:
    assert sum(map(len, expected.values())) > (10_000 if FULL else 50)
    for code, row in reported.items():
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for master, duplicate in expected.get(code, []):
            groups[master.id].append(duplicate.id)
        assert row["groups"] == groups, code


def test_no_group_goes_beyond_category_radius_or_window(
    boston_file: BostonFile, reported: dict[str, dict[str, Any]]
) -> None:
    rows = {row.id: row for row in boston_file.rows}
    for code, found in reported.items():
        for master_id, duplicates in found["groups"].items():
            alone = Masters()
            alone.add(rows[master_id])
            for each in (rows[duplicate] for duplicate in duplicates):
                assert each.category == rows[master_id].category == code
                assert each.located
                assert rows[master_id].located
                assert timedelta() <= each.opened - rows[master_id].opened <= WINDOW
                assert alone.oldest_for(each) is not None


def test_the_share_of_separate_jobs(
    reported: dict[str, dict[str, Any]], expected: dict[str, list[tuple[Row, Row]]]
) -> None:
    for code, pairs in expected.items():
        separate = sum(
            earlier.closed is not None
            and (later.closed or SNAPSHOT_END) > earlier.closed + timedelta(days=1)
            for earlier, later in pairs
        )
        row = reported[code]
        assert (row["pairs"], row["separate"]) == (len(pairs), separate), code
        by_rule = len(pairs) <= 10 or separate <= 0.05 * len(pairs)
        assert row["advised"] == ("auto" if by_rule else "suggest"), code


@pytest.mark.skipif(not FULL, reason="the shares of all rows decide (CST_DATA=full)")
def test_the_city_links_by_rule_where_it_is_advised(reported: dict[str, dict[str, Any]]) -> None:
    assert {code: row["mode"] for code, row in reported.items()} == {
        code: row["advised"] for code, row in reported.items()
    }
    assert round(100 * reported["request_for_recycling_cart"]["share"]) == 44


def test_the_city_looks_as_far_as_it_was_judged() -> None:
    text = (REPOSITORY / "infra/cities/boston/categories.yaml").read_text()
    for category in yaml.safe_load(text)["categories"]:
        assert category["duplicates"] in ("auto", "suggest")
        assert (category["radius_m"], category["window_hours"]) == (60, 336)


def test_any_order_of_the_rows_gives_the_same_masters(boston_file: BostonFile) -> None:
    """Whole days come at the same instant here: only the city's own id tells them apart."""
    rows = max(by_category(boston_file).values(), key=len)
    reports = [
        Report(
            request_id=row.id,
            tie=row.id,
            lon=row.point[0],
            lat=row.point[1],
            created_at=row.opened.replace(hour=0, minute=0, second=0),
            ended_at=row.closed,
            urgency=0,
        )
        for row in rows
    ]
    seen = []
    for seed in range(3):
        random.Random(seed).shuffle(reports)
        groups = find_groups(reports, Rule())
        seen.append([(g.master.request_id, [d.request_id for d in g.duplicates]) for g in groups])
    assert seen[0]
    assert seen[0] == seen[1] == seen[2]
