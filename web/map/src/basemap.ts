/** The base map: the city's own zones, and tiles behind them where the city has set some. */

import type { StyleSpecification } from 'maplibre-gl';

import { zoneName } from './format';
import type { Theme } from './scale';
import type { MapConfig, ZoneCollection } from './types';

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

const COLORS: Record<Theme, Record<string, string>> = {
  light: {
    water: '#d7e3ea',
    land: '#f8f7f3',
    border: '#c2bdb0',
    label: '#4c5563',
    halo: '#f8f7f3',
    mark: '#111827',
    changed: '#e11d48',
    edge: '#ffffff',
  },
  dark: {
    water: '#0d131a',
    land: '#18212b',
    border: '#3a4757',
    label: '#a9b6c6',
    halo: '#111820',
    mark: '#ffffff',
    changed: '#fde047',
    edge: '#0d131a',
  },
};

/** The paint of every layer that depends on the theme. */
export function themePaint(theme: Theme): [layer: string, property: string, value: string][] {
  const c = COLORS[theme];
  return [
    ['water', 'background-color', c.water ?? ''],
    ['land', 'fill-color', c.land ?? ''],
    ['hexagon-edges', 'line-color', c.edge ?? ''],
    ['hexagon-mark', 'line-color', c.mark ?? ''],
    ['changed', 'line-color', c.changed ?? ''],
    ['changed-fill', 'fill-color', c.changed ?? ''],
    ['borders', 'line-color', c.border ?? ''],
    ['zone-mark', 'line-color', c.mark ?? ''],
    ['names', 'text-color', c.label ?? ''],
    ['names', 'text-halo-color', c.halo ?? ''],
    ['place', 'circle-color', c.changed ?? ''],
    ['place', 'circle-stroke-color', c.edge ?? ''],
  ];
}

/** The whole style, without colours: `themePaint` has them. */
export function style(zones: ZoneCollection, tiles: MapConfig['tiles']): StyleSpecification {
  const names: GeoJSON.FeatureCollection = {
    type: 'FeatureCollection',
    features: zones.features.map(({ properties }) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [properties.lon, properties.lat] },
      properties: { label: zoneName(properties.zone_id, properties.name) },
    })),
  };
  const geojson = (data: GeoJSON.FeatureCollection) => ({ type: 'geojson' as const, data });
  return {
    version: 8,
    // Hexagons that come, go or change fade instead of flashing.
    transition: { duration: 200, delay: 0 },
    sources: {
      zones: { ...geojson(zones), promoteId: 'zone_id' },
      names: geojson(names),
      hexagons: { ...geojson(EMPTY), promoteId: 'cell' },
      changed: geojson(EMPTY),
      place: geojson(EMPTY),
      ...(tiles && {
        tiles: { type: 'raster' as const, tiles: [tiles.url], tileSize: 256, attribution: tiles.attribution },
      }),
    },
    layers: [
      { id: 'water', type: 'background' },
      ...(tiles ? [{ id: 'tiles', type: 'raster' as const, source: 'tiles' }] : []),
      { id: 'land', type: 'fill', source: 'zones', paint: { 'fill-opacity': tiles ? 0.15 : 1 } },
      { id: 'hexagons', type: 'fill', source: 'hexagons', paint: { 'fill-opacity': 0.82 } },
      {
        id: 'hexagon-edges',
        type: 'line',
        source: 'hexagons',
        paint: { 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.3, 14, 1.2], 'line-opacity': 0.7 },
      },
      {
        id: 'borders',
        type: 'line',
        source: 'zones',
        layout: { 'line-join': 'round' },
        paint: { 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.6, 14, 1.8] },
      },
      { id: 'changed-fill', type: 'fill', source: 'changed', paint: { 'fill-opacity': 0 } },
      {
        id: 'changed',
        type: 'line',
        source: 'changed',
        paint: { 'line-width': 3, 'line-opacity': 0 },
      },
      {
        id: 'hexagon-mark',
        type: 'line',
        source: 'hexagons',
        filter: ['==', ['get', 'cell'], ''],
        paint: { 'line-width': 3 },
      },
      {
        id: 'zone-mark',
        type: 'line',
        source: 'zones',
        filter: ['==', ['get', 'zone_id'], ''],
        layout: { 'line-join': 'round' },
        paint: { 'line-width': 3 },
      },
      {
        id: 'names',
        type: 'symbol',
        source: 'names',
        minzoom: 10.4,
        layout: {
          'text-field': ['get', 'label'],
          'text-size': ['interpolate', ['linear'], ['zoom'], 10, 11, 14, 15],
          'text-max-width': 7,
          'text-padding': 6,
        },
        paint: { 'text-halo-width': 1.4 },
      },
      {
        id: 'place',
        type: 'circle',
        source: 'place',
        paint: { 'circle-radius': 8, 'circle-stroke-width': 3 },
      },
    ],
  };
}
