/** What the API answers, as far as the page reads it. */

export type Bbox = [west: number, south: number, east: number, north: number];

export interface MapConfig {
  now: string;
  city: { name: string; title: string; time_zone: string; bbox: Bbox };
  categories: { code: string; name: string; public: 'exact' | 'area' | 'none' }[];
  tiles: { url: string; attribution: string } | null;
}

export interface ZoneProperties {
  zone_id: string;
  name: string;
  lon: number;
  lat: number;
}

export type ZoneFeature = GeoJSON.Feature<GeoJSON.Polygon | GeoJSON.MultiPolygon, ZoneProperties>;
export type ZoneCollection = GeoJSON.FeatureCollection<
  GeoJSON.Polygon | GeoJSON.MultiPolygon,
  ZoneProperties
>;

export interface CellsAnswer {
  resolution: number;
  weight_formula: string;
  generated_at: string;
  cells: [cell: string, value: number][];
}

export interface PublicRequest {
  request_id: string;
  category: string;
  status: string;
  priority: string;
  created_at: string;
  updated_at: string;
  due_at: string | null;
  resolved_at: string | null;
  location: { coordinates: [number, number]; zone_id: string } | null;
  is_master: boolean;
  description: string | null;
}

export interface RequestEvent {
  seq: number;
  type: string;
  at: string;
}

/** Something that happened to a request on the map, as `/analytics/live` tells it. */
export interface LiveEvent {
  request_id: string;
  cell: string | null;
  type: string;
}

/** A zone's numbers, or all zones'; `…_before` is of as many days before the span. */
export interface ZoneRow {
  zone_id: string | null;
  name: string | null;
  open: number;
  overdue: number;
  median_age_hours: number | null;
  created: number;
  created_before: number;
  resolved: number;
  resolved_before: number;
  met: number;
  missed: number;
  met_percent: number | null;
  met_percent_before: number | null;
  median_resolution_hours: number | null;
}

export interface ZoneReport {
  totals: ZoneRow;
  zones: ZoneRow[];
}
