"""A storm over a city from a seed: what it breaks within one hour, and the crews on duty."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cst_dispatch.domain.batch import Waiting
from cst_dispatch.domain.travel import Point

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DURATION = timedelta(hours=1)

#: The city: a box in degrees of about 32 by 33 km, cut into zones.
WEST, SOUTH, EAST, NORTH = -74.05, 40.58, -73.67, 40.88
ZONES_ACROSS, ZONES_UP = 5, 4
SKILLS = ("trees", "drains", "lights", "roads")
SKILL_SHARES = (45, 25, 15, 15)
PRIORITY_SHARES = {"P1": 5, "P2": 20, "P3": 50, "P4": 25}
PROMISES = {
    "P1": timedelta(hours=4),
    "P2": timedelta(hours=12),
    "P3": timedelta(hours=24),
    "P4": timedelta(hours=72),
}
#: The worst hit places; so far from them, in degrees, most damage lies; and so much of all of it.
SPOTS, SPREAD, CLUSTERED = 8, 0.025, 0.7
#: Work of one job: its median in hours, and the spread of its logarithm.
WORK_HOURS, WORK_SPREAD = 0.6, 0.5


@dataclass(frozen=True, slots=True)
class Damage:
    """One request: what dispatch sees of it, what it takes to fit, and its work in hours."""

    request: Waiting
    point: Point
    due_at: datetime
    zone: int
    skill: str
    work_hours: float


@dataclass(frozen=True, slots=True)
class Staff:
    """One person on duty, and the place of their last work before the storm."""

    code: str
    skills: frozenset[str]
    zones: frozenset[int]
    capacity: int
    home: Point

    def fits(self, damage: Damage) -> bool:
        """Return whether they have the skill and cover the zone."""
        return damage.skill in self.skills and damage.zone in self.zones


@dataclass(frozen=True, slots=True)
class Storm:
    """Damages in the order in which they are reported, and who is there to mend them."""

    damages: list[Damage]
    staff: list[Staff]

    def fits(self) -> NDArray[np.bool_]:
        """Return for each damage (row) and person (column) whether they fit."""
        return np.array([[person.fits(d) for person in self.staff] for d in self.damages])


def storm(seed: int, requests: int, staff: int | None = None) -> Storm:
    """Return a storm of so many requests; by default there is one person for each 25 of them."""
    chance = random.Random(seed)
    spots = [_anywhere(chance) for _ in range(SPOTS)]
    seconds = sorted(chance.uniform(0, DURATION.total_seconds()) for _ in range(requests))
    damages = [_damage(chance, number, s, spots) for number, s in enumerate(seconds)]
    count = max(len(SKILLS), requests // 25) if staff is None else staff
    return Storm(damages, [_person(chance, number) for number in range(count)])


def _damage(chance: random.Random, number: int, second: float, spots: list[Point]) -> Damage:
    created_at = START + timedelta(seconds=second)
    priority = chance.choices(list(PRIORITY_SHARES), list(PRIORITY_SHARES.values()))[0]
    point = _near(chance, chance.choice(spots)) if chance.random() < CLUSTERED else None
    point = point or _anywhere(chance)
    due_at = created_at + PROMISES[priority]
    return Damage(
        request=Waiting(f"CST-2026-{number + 1:05}", priority, created_at, due_at, point),
        point=point,
        due_at=due_at,
        zone=_zone(point),
        skill=chance.choices(SKILLS, SKILL_SHARES)[0],
        work_hours=WORK_HOURS * chance.lognormvariate(0.0, WORK_SPREAD),
    )


def _person(chance: random.Random, number: int) -> Staff:
    """One in three covers the whole city, the others a block of two thirds of each side.

    The first persons cover all with one skill each, so that everything can be done by somebody.
    """
    everywhere = number < len(SKILLS) or chance.random() < 1 / 3
    first = SKILLS[number % len(SKILLS)]
    second = chance.choices(SKILLS, SKILL_SHARES)[0]
    return Staff(
        code=f"C{number + 1:03}",
        skills=frozenset((first, second) if chance.random() < 0.5 else (first,)),
        zones=frozenset(range(ZONES_ACROSS * ZONES_UP)) if everywhere else _block(chance),
        capacity=chance.randint(3, 6),
        home=_anywhere(chance),
    )


def _block(chance: random.Random) -> frozenset[int]:
    wide, high = 3, 3
    left = chance.randint(0, ZONES_ACROSS - wide)
    low = chance.randint(0, ZONES_UP - high)
    return frozenset(
        up * ZONES_ACROSS + across
        for up in range(low, low + high)
        for across in range(left, left + wide)
    )


def _zone(point: Point) -> int:
    across = int((point[0] - WEST) / (EAST - WEST) * ZONES_ACROSS)
    up = int((point[1] - SOUTH) / (NORTH - SOUTH) * ZONES_UP)
    return min(up, ZONES_UP - 1) * ZONES_ACROSS + min(across, ZONES_ACROSS - 1)


def _anywhere(chance: random.Random) -> Point:
    return chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)


def _near(chance: random.Random, spot: Point) -> Point:
    lon, lat = chance.gauss(spot[0], SPREAD), chance.gauss(spot[1], SPREAD)
    return min(max(lon, WEST), EAST), min(max(lat, SOUTH), NORTH)
