"""What a city promises, and in which hours: policies and calendars."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from cst_city.fields import (
    Action,
    ClockTime,
    EndTime,
    Flag,
    Hours,
    Model,
    Slug,
    SlugOrAny,
    Text,
    Unique,
)
from cst_contracts.enums import PriorityName, Weekday

#: Calendars that every city has: hours of the clock; the same local time so many days later.
ALWAYS, CIVIL_DAYS = "24x7", "civil-days"
BUILT_IN = (ALWAYS, CIVIL_DAYS)

Interval = tuple[ClockTime, EndTime]


class BusinessHours(Model):
    """Opening hours, in the city's time zone.

    ``weekly`` gives several intervals a weekday (a day that is not there is closed); ``holidays``
    closes on those of the city's country and subdivision; ``closures`` are further closed days,
    ``works_on`` holidays on which there is work all the same.
    """

    weekly: Annotated[dict[Weekday, tuple[Interval, ...]], Field(min_length=1)]
    holidays: Flag = True
    closures: Unique[date] = ()
    works_on: Unique[date] = ()

    @field_validator("weekly")
    @classmethod
    def _in_order(
        cls, weekly: dict[Weekday, tuple[Interval, ...]]
    ) -> dict[Weekday, tuple[Interval, ...]]:
        for day, intervals in weekly.items():
            for start, end in intervals:
                if start >= end:
                    raise ValueError(f"{day}: {start}-{end} does not end after it starts")
            for (start, end), (later, _) in pairwise(intervals):
                if later < end:
                    raise ValueError(f"{day}: the interval from {later} overlaps {start}-{end}")
        if not any(weekly.values()):
            raise ValueError("is never open")
        return weekly

    @field_validator("works_on")
    @classmethod
    def _not_closed(cls, days: tuple[date, ...], info: ValidationInfo) -> tuple[date, ...]:
        if both := sorted(set(days) & set(info.data.get("closures", ()))):
            raise ValueError(f"{both[0]} is among the closures, too")
        return days

    def terms(self, timezone: str, country: str, subdivision: str | None) -> dict[str, Any]:
        """Return the calendar as ``cst_calendar`` reads it."""
        return {
            "kind": "business",
            "timezone": timezone,
            "weekly": {day: [list(span) for span in spans] for day, spans in self.weekly.items()},
            "country": country if self.holidays else None,
            "subdivision": subdivision if self.holidays else None,
            "closures": [day.isoformat() for day in self.closures],
            "works_on": [day.isoformat() for day in self.works_on],
        }


class EscalationStep(Model):
    """An action this many hours of the policy's calendar after the clock's start."""

    after_hours: Hours
    action: Action


class SlaPolicy(Model):
    """A promise for a category, zone and priority, each exact or ``*``, from ``effective_from`` on.

    Hours are hours of ``calendar``. ``target_hours`` is the promise, ``breach_threshold_hours``
    (the target where absent) when a breach is declared, ``warn_hours`` (see `cst_rules.warn_hours`
    where absent) when it is at risk, ``acknowledge_hours`` by when somebody is to have answered.
    A notice that nobody takes note of is repeated every ``repeat_hours`` hours of the clock.
    """

    policy_id: Slug
    category: SlugOrAny
    zone: Text
    priority: Literal[PriorityName, "*"]
    target_hours: Hours
    breach_threshold_hours: Hours = Field(default_factory=lambda data: data["target_hours"])
    warn_hours: Hours | None = None
    acknowledge_hours: Hours | None = None
    repeat_hours: Hours | None = None
    calendar: Text = ALWAYS
    effective_from: AwareDatetime | None = None
    escalation_steps: tuple[EscalationStep, ...] = ()

    @field_validator("breach_threshold_hours")
    @classmethod
    def _not_before_the_target(cls, hours: float, info: ValidationInfo) -> float:
        if hours < info.data.get("target_hours", hours):
            raise ValueError(f"must be at least target_hours, {info.data['target_hours']:g}")
        return hours

    @field_validator("warn_hours")
    @classmethod
    def _before_the_target(cls, hours: float | None, info: ValidationInfo) -> float | None:
        if hours is not None and hours >= info.data.get("target_hours", math.inf):
            raise ValueError(f"must be below target_hours, {info.data['target_hours']:g}")
        return hours

    @field_validator("acknowledge_hours")
    @classmethod
    def _by_the_target(cls, hours: float | None, info: ValidationInfo) -> float | None:
        if hours is not None and hours > info.data.get("target_hours", math.inf):
            raise ValueError(f"must be at most target_hours, {info.data['target_hours']:g}")
        return hours

    @field_validator("escalation_steps")
    @classmethod
    def _in_order(cls, steps: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
        for earlier, later in pairwise(steps):
            if later.after_hours < earlier.after_hours:
                raise ValueError(
                    f"must be in order of after_hours, {later.after_hours:g} follows "
                    f"{earlier.after_hours:g}"
                )
        for step, times in Counter(steps).items():
            if times > 1:
                raise ValueError(f"{step.action} after {step.after_hours:g} hours is there twice")
        return steps

    def terms(
        self,
        calendars: Mapping[str, dict[str, Any] | None],
        version: int,
        priority: PriorityName,
    ) -> dict[str, Any]:
        """Return what is copied into a request (the specification's ``sla_policy``).

        Args:
            calendars: the terms of the city's calendars by name.
            version: of the city's policies.
            priority: for which it was selected; an escalation may raise the request's later.
        """
        own = self.model_dump(exclude={"category", "zone", "priority", "effective_from"})
        return own | {
            "calendar_terms": calendars[self.calendar],
            "version": version,
            "priority": priority,
        }
