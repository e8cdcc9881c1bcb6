/** The zones' numbers, and the panel of one zone. */

import { get } from './api';
import { distribution, flow, metAndMissed } from './charts';
import { h } from './dom';
import { hours, number, percent, plural, zoneName } from './format';
import type { ZoneReport, ZoneRow } from './types';

export const WINDOW_DAYS = 30;

/** The numbers of all zones, of one category or of all. */
export function zoneSummary(category: string): Promise<ZoneReport> {
  const query = new URLSearchParams({ days: String(WINDOW_DAYS) });
  if (category) query.set('category', category);
  return get(`/analytics/zones?${query}`);
}

/** What a row is called; who has no place yet is among them. */
export function rowName(row: ZoneRow): string {
  if (row.zone_id === 'UNKNOWN') return 'Place not known';
  return zoneName(row.zone_id ?? '', row.name ?? row.zone_id ?? '');
}

/** Four numbers, each with its name. */
export function kpiCards(row: ZoneRow): HTMLElement[] {
  const cards: [string, string, string][] = [
    ['Open', number(row.open), ''],
    ['Overdue', number(row.overdue), row.overdue ? 'bad' : ''],
    ['Median age', hours(row.median_age_hours), ''],
    ['On time', percent(row.met_percent), ''],
  ];
  return cards.map(([name, value, mood]) =>
    h('div', { class: 'kpi', 'data-mood': mood }, h('span', {}, name), h('strong', {}, value)),
  );
}

/** The panel of a zone. */
export function zonePanel(summary: ZoneReport, zoneId: string): HTMLElement[] {
  const row = summary.zones.find((zone) => zone.zone_id === zoneId);
  if (!row) return [h('p', { class: 'note' }, `There is no zone ${zoneId}.`)];
  const ranked = [...summary.zones].sort((a, b) => b.open - a.open);
  const rank = ranked.findIndex((zone) => zone.zone_id === zoneId) + 1;
  return [
    h('p', { class: 'eyebrow' }, `Zone ${zoneId}`),
    h('h2', { tabindex: -1 }, rowName(row)),
    h('div', { class: 'kpis' }, ...kpiCards(row)),
    chart(
      'Open requests, among all zones',
      distribution(ranked, zoneId),
      `${number(row.open)} open: number ${rank} of ${ranked.length} zones`,
    ),
    chart(
      `New and resolved in ${WINDOW_DAYS} days, and in the ${WINDOW_DAYS} before`,
      flow(row),
      `${number(row.created)} new (before: ${number(row.created_before)}), ` +
        `${number(row.resolved)} resolved (before: ${number(row.resolved_before)})`,
    ),
    chart(
      `Promises of the ${WINDOW_DAYS} days`,
      metAndMissed(row),
      `${number(row.met)} kept, ${number(row.missed)} missed; ` +
        `${percent(row.met_percent)} on time (before: ${percent(row.met_percent_before)})`,
    ),
    h('p', { class: 'note' }, speed(row, summary.totals)),
  ];
}

/** How fast a zone's requests are resolved, beside the city's. */
function speed(row: ZoneRow, city: ZoneRow): string {
  if (row.median_resolution_hours === null) {
    return `Nothing was resolved here in ${WINDOW_DAYS} days.`;
  }
  return (
    `Half of ${plural(row.resolved, 'resolved request')} took no more than ` +
    `${hours(row.median_resolution_hours)}; in the whole city ${hours(city.median_resolution_hours)}.`
  );
}

function chart(title: string, picture: Element, caption: string): HTMLElement {
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('strong', {}, title), h('span', {}, caption)),
    picture,
  );
}
