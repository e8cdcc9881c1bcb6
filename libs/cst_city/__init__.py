"""A city as data: models of its folder and the loader that checks all of it at once."""

from cst_city.loader import City, CityError, load_city
from cst_city.models import AgentSeed, Category, CitySpec, ZoneSource
from cst_city.policies import BusinessHours, EscalationStep, SlaPolicy

__all__ = [
    "AgentSeed",
    "BusinessHours",
    "Category",
    "City",
    "CityError",
    "CitySpec",
    "EscalationStep",
    "SlaPolicy",
    "ZoneSource",
    "load_city",
]
