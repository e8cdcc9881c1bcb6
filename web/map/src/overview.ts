/** The numbers of the whole view: the city, its zones, and the hexagons as a table. */

import { byId, h } from './dom';
import { hours, number, plural, zoneName } from './format';
import { cellCenter, zoneAt } from './geometry';
import { LAYER_TEXT } from './scale';
import type { Layer, Store } from './store';
import type { CellsAnswer, ZoneFeature, ZoneReport, ZoneRow } from './types';
import { kpiCards, rowName } from './zones';

const MOST_ROWS = 50;

export function renderCity(summary: ZoneReport | null): void {
  const box = byId('city');
  box.hidden = !summary;
  if (summary) box.replaceChildren(...kpiCards(summary.totals));
}

/** Renders the zones, those with most open requests first; `problem` says why there are none. */
export function renderZones(store: Store, summary: ZoneReport | null, problem: string): void {
  const box = byId('zones');
  if (!summary) return box.replaceChildren(h('p', { class: 'note' }, problem));
  const rows = [...summary.zones].sort((a, b) => b.open - a.open || rowName(a).localeCompare(rowName(b)));
  const most = Math.max(1, ...rows.map((row) => row.open));
  const lines = rows.map((row) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, zoneButton(store, row), bar(row.open / most)),
      h('td', {}, number(row.open)),
      h('td', { 'data-mood': row.overdue ? 'bad' : '' }, number(row.overdue)),
      h('td', {}, hours(row.median_age_hours)),
    ),
  );
  box.replaceChildren(table('Zones by open requests', ['Zone', 'Open', 'Overdue', 'Age'], lines));
}

function zoneButton(store: Store, row: ZoneRow): HTMLElement {
  const show = (): void => store.show('zone', row.zone_id ?? '');
  return h('button', { type: 'button', class: 'link', onclick: show }, rowName(row));
}

/** A bar as wide as `share` (0 to 1) of its place; it says nothing that the number does not. */
function bar(share: number): HTMLElement {
  const inner = h('span', {});
  inner.style.width = `${Math.round(share * 100)}%`;
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, inner);
}

/** Renders the hexagons with the highest values. */
export function renderCells(
  store: Store,
  answer: CellsAnswer,
  zones: ZoneFeature[],
  layer: Layer,
): void {
  const cells = [...answer.cells].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const shown = cells.slice(0, MOST_ROWS);
  const most = Math.max(...shown.map(([, value]) => value), 1e-9);
  const lines = shown.map(([cell, value]) =>
    h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row' },
        h('button', { type: 'button', class: 'link', onclick: () => store.show('cell', cell) }, placeName(cell, zones)),
        bar(value / most),
      ),
      h('td', {}, layer === 'priority_age' ? hours(value) : number(value)),
    ),
  );
  const more = cells.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${number(cells.length)}.` : '';
  byId('cells').replaceChildren(
    cells.length
      ? table(LAYER_TEXT[layer].title, ['Hexagon in', 'Value'], lines)
      : h('p', { class: 'note' }, 'None in view.'),
    h('p', { class: 'note' }, more),
  );
}

/** Where a hexagon is, as people say it. */
export function placeName(cell: string, zones: ZoneFeature[]): string {
  const [lon, lat] = cellCenter(cell);
  const zone = zoneAt(zones, lon, lat)?.properties;
  const name = zone ? zoneName(zone.zone_id, zone.name) : 'the edge of the city';
  return `${name}, ${cell.replace(/f+$/, '').slice(-4)}`;
}

function table(caption: string, heads: string[], rows: HTMLElement[]): HTMLElement {
  const head = h('tr', {}, ...heads.map((text) => h('th', { scope: 'col' }, text)));
  return h(
    'table',
    {},
    h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, head),
    h('tbody', {}, ...rows),
  );
}

/** What a screen reader is told when the numbers have changed. */
export function spoken(answer: CellsAnswer, layer: Layer): string {
  if (!answer.cells.length) return 'No reports in view with these filters.';
  const total = answer.cells.reduce((sum, [, value]) => sum + value, 0);
  const what = layer === 'priority_age' ? '' : `, ${LAYER_TEXT[layer].value(total)}`;
  return `${plural(answer.cells.length, 'hexagon')}${what} in view.`;
}
