/** The map itself: hexagons over the city's zones. It knows nothing of where the numbers come from. */

import {
  AttributionControl,
  Map as MapLibre,
  NavigationControl,
  setWorkerUrl,
  type ExpressionSpecification,
  type GeoJSONSource,
  type MapMouseEvent,
  type PaddingOptions,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';

import { EMPTY, style, themePaint } from './basemap';
import { hexagon, type CellFeature } from './geometry';
import type { Theme } from './scale';
import type { Bbox, MapConfig, ZoneCollection } from './types';

setWorkerUrl(workerUrl);

const BLINK_MS = 1600;
const CLICK_TOLERANCE = 3;

export interface MapEvents {
  moved: () => void;
  hover: (at: { x: number; y: number; cell: string; value: number } | null) => void;
  pickCell: (cell: string) => void;
  pickZone: (zoneId: string) => void;
}

export class MapView {
  readonly map: MapLibre;
  private readonly calm = window.matchMedia('(prefers-reduced-motion: reduce)');
  private blinking = 0;

  constructor(
    container: HTMLElement,
    zones: ZoneCollection,
    tiles: MapConfig['tiles'],
    private readonly home: Bbox,
    private readonly padding: () => PaddingOptions,
    events: MapEvents,
  ) {
    this.map = new MapLibre({
      container,
      style: style(zones, tiles),
      bounds: home,
      fitBoundsOptions: { padding: padding() },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      renderWorldCopies: false,
      minZoom: 3,
      maxZoom: 17,
      locale: {
        'Map.Title': 'Map of reports. The tables after it have the same numbers.',
        'NavigationControl.ZoomIn': 'Zoom in',
        'NavigationControl.ZoomOut': 'Zoom out',
      },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), 'top-right');
    if (tiles) this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right');
    this.map.on('moveend', events.moved);
    this.map.on('mousemove', (event) => events.hover(this.under(event)));
    this.map.on('mouseout', () => events.hover(null));
    this.map.on('movestart', () => {
      events.hover(null);
      container.setAttribute('aria-busy', 'true');
    });
    this.map.on('idle', () => container.setAttribute('aria-busy', 'false'));
    this.map.on('click', (event) => this.clicked(event, events));
  }

  /** Resolves when the map can be drawn on. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.map.isStyleLoaded()) resolve();
      else this.map.once('load', () => resolve());
    });
  }

  get zoom(): number {
    return this.map.getZoom();
  }

  get box(): Bbox {
    const bounds = this.map.getBounds();
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  }

  setTheme(theme: Theme): void {
    for (const [layer, property, value] of themePaint(theme)) {
      this.map.setPaintProperty(layer, property as 'fill-color', value);
    }
  }

  /** Draws hexagons in as many colours as there are lower bounds of classes. */
  setHexagons(cells: [string, number][], bounds: number[], colors: string[]): void {
    const features = cells.map(([cell, value]) => hexagon(cell, value));
    this.source('hexagons').setData({ type: 'FeatureCollection', features });
    this.map.setPaintProperty('hexagons', 'fill-color', stepColor(bounds, colors));
  }

  /** Shows for a moment what has changed. */
  blink(cells: string[]): void {
    const features: CellFeature[] = cells.map((cell) => hexagon(cell, 0));
    this.source('changed').setData({ type: 'FeatureCollection', features });
    this.fade('changed', 'line-opacity', 1);
    if (!this.calm.matches) this.fade('changed-fill', 'fill-opacity', 0.55);
    window.clearTimeout(this.blinking);
    this.blinking = window.setTimeout(() => {
      this.fade('changed', 'line-opacity', 0);
      this.fade('changed-fill', 'fill-opacity', 0);
    }, BLINK_MS);
  }

  private fade(layer: string, property: 'line-opacity' | 'fill-opacity', to: number): void {
    const duration = to || this.calm.matches ? 0 : 900;
    this.map.setPaintProperty(layer, `${property}-transition` as 'line-opacity', { duration } as never);
    this.map.setPaintProperty(layer, property, to);
  }

  markZone(zoneId: string): void {
    this.map.setFilter('zone-mark', ['==', ['get', 'zone_id'], zoneId]);
  }

  markCell(cell: string): void {
    this.map.setFilter('hexagon-mark', ['==', ['get', 'cell'], cell]);
  }

  markPlace(coordinates: [number, number] | null): void {
    this.source('place').setData(
      coordinates
        ? { type: 'Feature', geometry: { type: 'Point', coordinates }, properties: {} }
        : EMPTY,
    );
  }

  showBox(box: Bbox, maxZoom = 15): void {
    const padding = this.padding();
    this.map.fitBounds(box, { padding, maxZoom, animate: !this.calm.matches, duration: 700 });
  }

  showPlace(center: [number, number]): void {
    const { top = 0, bottom = 0, left = 0, right = 0 } = this.padding();
    const offset: [number, number] = [(left - right) / 2, (top - bottom) / 2];
    const duration = this.calm.matches ? 0 : 700;
    this.map.easeTo({ center, zoom: Math.max(this.zoom, 14), offset, duration });
  }

  showHome(): void {
    this.showBox(this.home);
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id) as GeoJSONSource;
  }

  private under(event: MapMouseEvent): { x: number; y: number; cell: string; value: number } | null {
    const [found] = this.map.queryRenderedFeatures(event.point, { layers: ['hexagons'] });
    this.map.getCanvas().style.cursor = found ? 'pointer' : '';
    if (!found) return null;
    const { cell, value } = found.properties as { cell: string; value: number };
    return { x: event.point.x, y: event.point.y, cell, value };
  }

  private clicked(event: MapMouseEvent, events: MapEvents): void {
    const { x, y } = event.point;
    const around: [[number, number], [number, number]] = [
      [x - CLICK_TOLERANCE, y - CLICK_TOLERANCE],
      [x + CLICK_TOLERANCE, y + CLICK_TOLERANCE],
    ];
    const [hex] = this.map.queryRenderedFeatures(around, { layers: ['hexagons'] });
    if (hex) return events.pickCell(String(hex.properties.cell));
    const [zone] = this.map.queryRenderedFeatures(event.point, { layers: ['land'] });
    if (zone) events.pickZone(String(zone.properties.zone_id));
  }
}

function stepColor(bounds: number[], colors: string[]): ExpressionSpecification | string {
  const [first = '#888', ...others] = colors;
  const steps = others.flatMap((color, i) => [bounds[i + 1] ?? 0, color]);
  if (!steps.length) return first;
  return ['step', ['get', 'value'], first, ...steps] as unknown as ExpressionSpecification;
}
