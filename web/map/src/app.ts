/** The page at work: state and view decide what is asked for, answers are drawn and told. */

import { cellToParent, getResolution } from 'h3-js';

import * as api from './api';
import { renderLegend, wireFilters } from './controls';
import { Detail } from './detail';
import { byId, debounced } from './dom';
import { localDay, setTimeZone } from './format';
import { boundsOf, isCell, resolutionAt, snapped } from './geometry';
import { Live } from './live';
import { MapView } from './mapview';
import { placeName, renderCells, renderCity, renderZones, spoken } from './overview';
import { classBounds, colorsFor, LAYER_TEXT, PALETTES } from './scale';
import { Sheet } from './sheet';
import { Status } from './status';
import { statusesOf, type State, type Store } from './store';
import { wireTabs } from './tabs';
import { currentTheme, watchTheme } from './theme';
import type { CellsAnswer, LiveEvent, MapConfig, ZoneCollection, ZoneReport } from './types';
import { zoneSummary } from './zones';

const PHONE = window.matchMedia('(max-width: 720px)');
const MOVED_MS = 250;
const LIVE_MS = 900;
/** Per-day sums end at this resolution. */
const FINEST_BY_DAY = 8;
const FINEST = 10;

export class App {
  private readonly status = new Status();
  private readonly view: MapView;
  private readonly detail: Detail;
  private readonly live: Live;
  private readonly moved = new Set<string>();
  private answer: CellsAnswer | null = null;
  private summary: ZoneReport | null = null;
  private zonesProblem = 'Loading the zones.';
  private now: Date;
  private reading: AbortController | null = null;

  constructor(
    private readonly store: Store,
    private readonly config: MapConfig,
    private readonly zones: ZoneCollection,
  ) {
    setTimeZone(config.city.time_zone);
    this.now = new Date(config.now);
    const home = boundsOf(zones.features, config.city.bbox);
    this.view = new MapView(byId('map'), zones, config.tiles, home, padding, {
      moved: debounced(() => this.viewChanged(), MOVED_MS),
      hover: (at) => this.hover(at),
      pickCell: (cell) => store.show('cell', cell),
      pickZone: (zoneId) => store.show('zone', zoneId),
    });
    const sheet = new Sheet(byId('panel'), byId<HTMLButtonElement>('sheet'));
    this.detail = new Detail(store, config, zones.features, this.view, sheet, {
      summary: () => this.summary,
      value: (cell) => this.valueText(cell),
      filters: () => this.filters(),
      since: (createdAt) => this.since(createdAt),
      now: () => this.now,
    });
    const later = debounced(() => this.refreshAll(), LIVE_MS);
    this.live = new Live({
      moves: (events) => this.heard(events, later),
      refresh: later,
      state: (state) => this.status.setLive(state),
    });
  }

  async run(): Promise<void> {
    wireFilters(this.store, this.config);
    wireTabs(document.querySelector('[role=tablist]') as HTMLElement);
    byId('empty-reset').addEventListener('click', () => this.store.reset());
    byId('empty-home').addEventListener('click', () => this.view.showHome());
    this.store.onChange((state, changed) => this.stateChanged(state, changed));
    await this.view.ready();
    watchTheme(byId<HTMLButtonElement>('theme'), (theme) => {
      this.view.setTheme(theme);
      this.draw();
    });
    window.addEventListener('online', () => this.refreshAll());
    this.viewChanged();
    void this.refreshZones();
    await this.detail.show(this.store.state);
  }

  private stateChanged(state: State, changed: Set<keyof State>): void {
    if (changed.has('zone') || changed.has('cell') || changed.has('request')) {
      void this.detail.show(state);
    }
    if (['layer', 'category', 'status', 'period'].some((key) => changed.has(key as keyof State))) {
      this.viewChanged();
    }
    if (changed.has('category')) void this.refreshZones();
  }

  private viewChanged(): void {
    void this.refresh(true);
    this.live.follow(this.liveQuery());
  }

  /** Reads everything again. */
  private refreshAll(): void {
    void this.refresh(false);
    void this.refreshZones();
  }

  /** Reads the hexagons in view and draws them; only the latest question counts. */
  private async refresh(asked: boolean): Promise<void> {
    this.reading?.abort();
    const { signal } = (this.reading = new AbortController());
    try {
      const answer = await api.heatmap(this.heatmapQuery(), signal);
      if (signal.aborted) return;
      this.now = new Date(answer.generated_at);
      this.answer = answer;
      this.status.read(this.now);
      this.draw();
      this.blink();
      this.status.announce(spoken(answer, this.store.state.layer), asked);
    } catch (error) {
      if (!signal.aborted) this.status.failed(error);
    }
  }

  private async refreshZones(): Promise<void> {
    const { category } = this.store.state;
    try {
      const summary = await zoneSummary(category);
      if (category !== this.store.state.category) return;
      this.summary = summary;
    } catch {
      this.zonesProblem = 'The numbers of the zones could not be read.';
    }
    renderCity(this.summary);
    renderZones(this.store, this.summary, this.zonesProblem);
    this.detail.zonesRead();
  }

  private draw(): void {
    if (!this.answer) return;
    const { layer } = this.store.state;
    const { cells } = this.answer;
    const bounds = classBounds(cells.map(([, value]) => value));
    const colors = colorsFor(bounds.length, PALETTES[currentTheme()][layer]);
    this.view.setHexagons(cells, bounds, colors);
    renderLegend(this.answer, layer, bounds, colors);
    renderCells(this.store, this.answer, this.zones.features, layer);
    byId('empty').hidden = cells.length > 0;
    byId('empty-reset').hidden = !this.store.filtered;
    byId('empty-text').textContent = this.store.filtered
      ? 'Nothing here with these filters.'
      : 'No reports in this part of the map yet.';
    document.body.dataset.hexagons = String(cells.length);
  }

  private heard(events: LiveEvent[], later: () => void): void {
    for (const { cell } of events) if (cell && isCell(cell)) this.moved.add(cell);
    this.detail.heard(events);
    later();
  }

  /** Shows which hexagons the events were in that came since the last time. */
  private blink(): void {
    const at = this.answer?.resolution ?? FINEST;
    const cells = [...this.moved].filter((cell) => getResolution(cell) >= at);
    this.moved.clear();
    if (cells.length) this.view.blink([...new Set(cells.map((cell) => cellToParent(cell, at)))]);
  }

  private filters(): URLSearchParams {
    const { category, status } = this.store.state;
    const query = new URLSearchParams();
    if (category) query.set('category', category);
    for (const each of statusesOf(status)) query.append('status', each);
    return query;
  }

  private firstDay(): string | null {
    const { period } = this.store.state;
    return period === 'all' ? null : localDay(this.now, Number(period) - 1);
  }

  private since(createdAt: string): boolean {
    const first = this.firstDay();
    return first === null || localDay(new Date(createdAt), 0) >= first;
  }

  private heatmapQuery(): URLSearchParams {
    const { layer, category } = this.store.state;
    const query = layer === 'sla_risk' ? new URLSearchParams(category && { category }) : this.filters();
    const first = layer === 'sla_risk' ? null : this.firstDay();
    if (first) query.set('from', first);
    const finest = first ? FINEST_BY_DAY : FINEST;
    query.set('resolution', String(resolutionAt(this.view.zoom, finest)));
    query.set('bbox', snapped(this.view.box).join(','));
    query.set('weight', layer);
    query.set('format', 'cells');
    return query;
  }

  private liveQuery(): URLSearchParams {
    const query = new URLSearchParams({ bbox: snapped(this.view.box).join(',') });
    if (this.store.state.category) query.set('category', this.store.state.category);
    return query;
  }

  private valueText(cell: string): string {
    const found = this.answer?.cells.find(([each]) => each === cell);
    return found ? LAYER_TEXT[this.store.state.layer].value(found[1]) : '';
  }

  private hover(at: { x: number; y: number; cell: string; value: number } | null): void {
    const tip = byId('tooltip');
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = `${LAYER_TEXT[this.store.state.layer].value(at.value)} · ${placeName(at.cell, this.zones.features)}`;
    const right = at.x > window.innerWidth - 260;
    tip.style.transform = `translate(${at.x}px, ${at.y}px) translate(${right ? 'calc(-100% - 12px)' : '14px'}, 14px)`;
  }
}

/** The part of the map that the panel covers. */
function padding(): { top: number; bottom: number; left: number; right: number } {
  if (!PHONE.matches) return { top: 30, bottom: 30, left: 430, right: 60 };
  const bottom = Math.round(window.innerHeight * 0.57);
  return { top: 88, bottom, left: 16, right: 16 };
}

