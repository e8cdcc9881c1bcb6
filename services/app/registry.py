"""Every service and its processes, by name; collections are in ``app.collections``.

A service is imported when it is first asked for: most processes run one of them, and importing all
takes most of the time that a process needs to start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from cst_http.app import ServiceApi
    from cst_process.projection import ProjectionSpec
    from cst_process.worker import ServiceWorker

T = TypeVar("T")


class Declared(Mapping[str, T], Generic[T]):
    """What services declare, by name: ``places`` says where, as ``module:attribute``.

    Where the attribute is a tuple, it is the one of that name in it.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> T:
        module, attribute = self._places[name].split(":")
        found: Any = getattr(import_module(module), attribute)
        if isinstance(found, tuple):
            found = next(each for each in found if each.name == name)
        return cast(T, found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


APIS: Declared[ServiceApi] = Declared(
    {
        "intake": "cst_intake.main:API",
        "workflow": "cst_workflow.main:API",
        "dispatch": "cst_dispatch.main:API",
        "sla": "cst_sla.main:API",
        "geo_analytics": "cst_geo_analytics.main:API",
    }
)
WORKERS: Declared[ServiceWorker] = Declared(
    {
        "intake": "cst_intake.main:WORKER",
        "workflow": "cst_workflow.main:WORKER",
        "dispatch": "cst_dispatch.main:WORKER",
        "sla": "cst_sla.main:WORKER",
        "geo": "cst_geo_analytics.main:WORKER",
    }
)
PROJECTIONS: Declared[ProjectionSpec] = Declared(
    {
        "geo": "cst_geo_analytics.main:PROJECTIONS",
        "clocks": "cst_sla.main:PROJECTIONS",
        "kpis": "cst_sla.main:PROJECTIONS",
        "facts": "cst_sla.main:PROJECTIONS",
        "agents": "cst_dispatch.main:PROJECTIONS",
        "queue": "cst_dispatch.main:PROJECTIONS",
        "acceptance": "cst_dispatch.main:PROJECTIONS",
    }
)
