/** Hexagons and zones as shapes. */

import { cellArea, cellToBoundary, cellToLatLng, isValidCell, UNITS } from 'h3-js';

import type { Bbox, ZoneFeature } from './types';

export type CellFeature = GeoJSON.Feature<GeoJSON.Polygon, { cell: string; value: number }>;

/** The H3 resolution that shows best at a zoom; `finest` is what the query allows. */
export function resolutionAt(zoom: number, finest: number): number {
  const steps = [7.5, 9, 10.6, 12.2, 13.7];
  const wanted = 5 + steps.filter((step) => zoom >= step).length;
  return Math.min(wanted, finest);
}

/** A hexagon as a feature. Where it crosses the antimeridian its longitudes go on beyond 180. */
export function hexagon(cell: string, value: number): CellFeature {
  const ring = cellToBoundary(cell, true);
  const west = Math.min(...ring.map(([lon]) => lon ?? 0));
  const whole = ring.map(([lon = 0, lat = 0]) => [lon - west > 180 ? lon - 360 : lon, lat]);
  return {
    type: 'Feature',
    id: cell,
    geometry: { type: 'Polygon', coordinates: [whole] },
    properties: { cell, value },
  };
}

export function isCell(text: string): boolean {
  return isValidCell(text);
}

export function cellCenter(cell: string): [lon: number, lat: number] {
  const [lat, lon] = cellToLatLng(cell);
  return [lon, lat];
}

export function cellBounds(cell: string): Bbox {
  const points = cellToBoundary(cell);
  const lats = points.map(([lat]) => lat);
  const lons = points.map(([, lon]) => lon);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

export function areaKm2(cell: string): number {
  return cellArea(cell, UNITS.km2);
}

/** A box that holds `box` on a grid about a quarter of its size, so that small moves ask the same. */
export function snapped(box: Bbox): Bbox {
  const size = Math.max(box[2] - box[0], box[3] - box[1]);
  const step = 2 ** Math.floor(Math.log2(size / 4));
  const down = (value: number): number => Math.floor(value / step) * step;
  const up = (value: number): number => Math.ceil(value / step) * step;
  const [west, south, east, north] = [down(box[0]), down(box[1]), up(box[2]), up(box[3])];
  if (west < -180 || east > 180) return [-180, Math.max(south, -85), 180, Math.min(north, 85)];
  return [west, Math.max(south, -85), east, Math.min(north, 85)];
}

/** The box around all zones, or the city's own where there is none. */
export function boundsOf(zones: ZoneFeature[], otherwise: Bbox): Bbox {
  const box: Bbox = [Infinity, Infinity, -Infinity, -Infinity];
  for (const zone of zones) {
    for (const [lon = 0, lat = 0] of ringsOf(zone).flat()) {
      box[0] = Math.min(box[0], lon);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lon);
      box[3] = Math.max(box[3], lat);
    }
  }
  return Number.isFinite(box[0]) ? box : otherwise;
}

/** The zone at a point: the one that holds it. */
export function zoneAt(zones: ZoneFeature[], lon: number, lat: number): ZoneFeature | undefined {
  return zones.find((zone) => ringsOf(zone).filter((ring) => crosses(ring, lon, lat)).length % 2);
}

function ringsOf(zone: ZoneFeature): GeoJSON.Position[][] {
  const { geometry } = zone;
  return geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
}

/** Whether a ray eastwards from the point crosses the ring an odd number of times. */
function crosses(ring: GeoJSON.Position[], lon: number, lat: number): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [x1 = 0, y1 = 0] = ring[i] ?? [];
    const [x2 = 0, y2 = 0] = ring[j] ?? [];
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
