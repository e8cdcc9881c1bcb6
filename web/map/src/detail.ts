/** The part of the panel that shows one thing: a zone, a hexagon, or a request. */

import * as api from './api';
import { byId, h } from './dom';
import { area, zoneName } from './format';
import { areaKm2, boundsOf, isCell } from './geometry';
import type { MapView } from './mapview';
import { placeName } from './overview';
import { cellPanel, readId, requestPanel, type Names } from './requests';
import type { Sheet } from './sheet';
import type { State, Store } from './store';
import type { LiveEvent, MapConfig, ZoneFeature, ZoneReport } from './types';
import { zonePanel } from './zones';

interface Context {
  summary: () => ZoneReport | null;
  value: (cell: string) => string;
  filters: () => URLSearchParams;
  since: (createdAt: string) => boolean;
  now: () => Date;
}

export class Detail {
  private readonly names: Names;
  private opener: Element | null = null;
  private shown = '';

  constructor(
    private readonly store: Store,
    config: MapConfig,
    private readonly zones: ZoneFeature[],
    private readonly view: MapView,
    private readonly sheet: Sheet,
    private readonly context: Context,
  ) {
    const categories = new Map(config.categories.map(({ code, name }) => [code, name]));
    const outlines = new Map(zones.map(({ properties }) => [properties.zone_id, properties.name]));
    this.names = {
      category: (code) => categories.get(code) ?? code,
      zone: (id) => zoneName(id, outlines.get(id) ?? id),
    };
    byId<HTMLFormElement>('search').addEventListener('submit', (event) => this.search(event));
    byId('panel').addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.shown) this.close();
    });
  }

  private search(event: SubmitEvent): void {
    event.preventDefault();
    const field = byId<HTMLInputElement>('search-id');
    const id = readId(field.value);
    this.refuse(id ? '' : 'A number is written like CST-2026-0001.');
    if (!id) return;
    // Asked for again: it may be there by now.
    if (id === this.store.state.request) void this.show(this.store.state);
    else this.store.show('request', id);
  }

  private refuse(text: string): void {
    const box = byId('search-error');
    box.hidden = !text;
    box.textContent = text;
    byId('search-id').setAttribute('aria-invalid', String(Boolean(text)));
    byId('search-id').setAttribute('aria-describedby', text ? 'search-error' : '');
  }

  private close(): void {
    const opener = this.opener;
    this.store.show(null);
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    else byId('panel').focus();
  }

  /** Shows what the state names, or the overview. */
  async show({ zone, cell, request }: State): Promise<void> {
    const wanted = zone || cell || request;
    if (wanted && !this.shown) this.opener = document.activeElement;
    this.shown = wanted;
    this.view.markZone(zone);
    this.view.markCell(cell);
    this.refuse('');
    byId<HTMLInputElement>('search-id').value = request;
    if (!request) this.view.markPlace(null);
    byId('overview').hidden = Boolean(wanted);
    byId('detail').hidden = !wanted;
    if (!wanted) return;
    this.sheet.open();
    this.fill([h('p', { class: 'note' }, 'Loading …')]);
    const focus = !document.activeElement?.closest('.map');
    try {
      const content = await this.content(zone, cell, request);
      if (this.shown !== wanted) return;
      this.fill(content);
      if (focus) byId('detail').querySelector<HTMLElement>('h2')?.focus();
    } catch (error) {
      if (this.shown === wanted) this.failed(error, request);
    }
  }

  private content(zone: string, cell: string, request: string): Promise<HTMLElement[]> {
    if (zone) return Promise.resolve(this.ofZone(zone));
    return cell ? this.ofCell(cell) : this.ofRequest(request);
  }

  private failed(error: unknown, request: string): void {
    if (!(error instanceof api.ApiError)) throw error;
    const unknown = error.status === 404 && request;
    const text = unknown
      ? `${request} is not there, or is not shown to the public.`
      : error.message;
    this.fill([h('p', { class: 'banner', role: 'alert' }, text)]);
  }

  private fill(content: HTMLElement[]): void {
    const back = h('button', { type: 'button', class: 'back', onclick: () => this.close() }, 'All zones');
    byId('detail').replaceChildren(back, ...content);
  }

  private ofZone(zoneId: string): HTMLElement[] {
    const zone = this.zones.filter(({ properties }) => properties.zone_id === zoneId);
    if (zone.length) this.view.showBox(boundsOf(zone, [0, 0, 0, 0]), 13);
    const summary = this.context.summary();
    return summary ? zonePanel(summary, zoneId) : [h('p', { class: 'note' }, 'The numbers of the zones are on their way.')];
  }

  private async ofCell(cell: string): Promise<HTMLElement[]> {
    if (!isCell(cell)) return [h('p', { class: 'banner' }, `${cell} is not a hexagon.`)];
    const place = placeName(cell, this.zones);
    const { value, filters, since } = this.context;
    const said = value(cell) || area(areaKm2(cell));
    return cellPanel(this.store, cell, place, said, filters(), since, this.names);
  }

  private async ofRequest(id: string): Promise<HTMLElement[]> {
    const [found, events] = await Promise.all([api.request(id), api.history(id)]);
    this.view.markPlace(found.location?.coordinates ?? null);
    if (found.location) this.view.showPlace(found.location.coordinates);
    return requestPanel(found, events, this.names, this.context.now());
  }

  /** The zones' numbers are new: a zone that is shown gets them. */
  zonesRead(): void {
    const summary = this.context.summary();
    const { zone } = this.store.state;
    if (zone && summary && this.shown === zone) this.fill(zonePanel(summary, zone));
  }

  /** Something has moved: the request that is shown may be it. */
  heard(events: LiveEvent[]): void {
    const { request } = this.store.state;
    if (!request || !events.some((event) => event.request_id === request)) return;
    void Promise.all([api.request(request), api.history(request)])
      .then(([found, history]) => {
        if (this.shown === request) this.fill(requestPanel(found, history, this.names, this.context.now()));
      })
      .catch(() => undefined); // it is shown as it was; the banner says what is wrong
  }
}
