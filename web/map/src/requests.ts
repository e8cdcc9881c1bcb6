/** One request with its timeline, and the requests of one hexagon. */

import { latLngToCell } from 'h3-js';

import * as api from './api';
import { h } from './dom';
import { dateTime, eventName, hours, plural, words } from './format';
import { cellBounds } from './geometry';
import type { Store } from './store';
import type { PublicRequest, RequestEvent } from './types';

export const REQUEST_ID = /^CST-\d{4}-\d{4,12}$/;
const MOST = 20;

/** What somebody typed as a request's number: case, spaces and the CST- in front do not matter. */
export function readId(text: string): string | null {
  const bare = text.trim().toUpperCase().replace(/\s+/g, '');
  const id = /^\d{4}-/.test(bare) ? `CST-${bare}` : bare;
  return REQUEST_ID.test(id) ? id : null;
}

export interface Names {
  category: (code: string) => string;
  zone: (zoneId: string) => string;
}

export function requestPanel(
  found: PublicRequest,
  events: RequestEvent[],
  names: Names,
  now: Date,
): HTMLElement[] {
  const where = found.location ? names.zone(found.location.zone_id) : 'Place not known';
  const facts: [string, string][] = [
    ['Where', where],
    ['Priority', found.priority],
    ['Promised by', found.due_at ? dateTime(found.due_at) : 'No promise'],
  ];
  return [
    h('p', { class: 'eyebrow' }, found.request_id),
    h('h2', { tabindex: -1 }, names.category(found.category)),
    h('p', {}, statusBadge(found.status), ' ', h('span', { class: 'note' }, promise(found, now))),
    found.description ? h('p', { class: 'quote' }, found.description) : h('span', { hidden: true }),
    h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    h('h3', {}, 'What has happened'),
    timeline(events),
  ];
}

/** How the promise stands, or what came of it. */
function promise(found: PublicRequest, now: Date): string {
  if (!found.due_at) return '';
  const until = found.resolved_at ? Date.parse(found.resolved_at) : now.getTime();
  const spare = (Date.parse(found.due_at) - until) / 3_600_000;
  if (found.resolved_at) {
    return spare >= 0 ? `${hours(spare)} before it was due` : `${hours(-spare)} late`;
  }
  return spare >= 0 ? `due in ${hours(spare)}` : `overdue by ${hours(-spare)}`;
}

function statusBadge(status: string): HTMLElement {
  return h('span', { class: 'badge', 'data-status': status }, words(status));
}

function timeline(events: RequestEvent[]): HTMLElement {
  const steps = events.map((event, i) => {
    const last = i === events.length - 1;
    const took = i ? (Date.parse(event.at) - Date.parse(events[i - 1]?.at ?? event.at)) / 3_600_000 : 0;
    return h(
      'li',
      { 'aria-current': last ? 'step' : null },
      h('strong', {}, eventName(event.type)),
      h('time', { datetime: event.at }, dateTime(event.at)),
      took >= 1 / 60 ? h('span', { class: 'note' }, `after ${hours(took)}`) : null,
    );
  });
  return h('ol', { class: 'timeline', 'aria-label': 'Timeline' }, ...steps);
}

/** The panel of a hexagon: what it is, and the newest requests in it that anybody may see. */
export async function cellPanel(
  store: Store,
  cell: string,
  place: string,
  value: string,
  filters: URLSearchParams,
  since: (createdAt: string) => boolean,
  names: Names,
): Promise<HTMLElement[]> {
  const resolution = Number.parseInt(cell.charAt(1), 16);
  const found = (await api.requestsIn(cellBounds(cell), filters)).filter(({ location, created_at }) => {
    const [lon, lat] = location?.coordinates ?? [0, 0];
    return location && since(created_at) && latLngToCell(lat, lon, resolution) === cell;
  });
  const items = found.slice(0, MOST).map((each) =>
    h(
      'li',
      {},
      h(
        'button',
        { type: 'button', class: 'row-button', onclick: () => store.show('request', each.request_id) },
        h('span', { class: 'row-title' }, names.category(each.category)),
        statusBadge(each.status),
        h('span', { class: 'note' }, `${each.request_id} · ${dateTime(each.created_at)}`),
      ),
    ),
  );
  const note = found.length
    ? `The newest ${plural(Math.min(found.length, MOST), 'request')} that ${found.length === 1 ? 'is' : 'are'} public to the point.`
    : 'No request here is public to the point with these filters.';
  return [
    h('p', { class: 'eyebrow' }, 'Hexagon'),
    h('h2', { tabindex: -1 }, place),
    h('p', { class: 'big' }, value),
    h('p', { class: 'note' }, note),
    h('ul', { class: 'requests' }, ...items),
  ];
}
