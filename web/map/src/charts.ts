/** Small charts. Each stands beside a sentence that says the same, so they are hidden from readers. */

import { svg } from './dom';
import type { ZoneRow } from './types';

const WIDTH = 320;

function canvas(height: number, ...children: SVGElement[]): SVGElement {
  const box = `0 0 ${WIDTH} ${height}`;
  return svg('svg', { class: 'picture', viewBox: box, 'aria-hidden': 'true' }, ...children);
}

/** A bar for every zone, those with most open requests first; the one that is meant stands out. */
export function distribution(ranked: ZoneRow[], zoneId: string): SVGElement {
  const height = 64;
  const most = Math.max(1, ...ranked.map((row) => row.open));
  const step = WIDTH / Math.max(ranked.length, 1);
  const bars = ranked.map((row, i) => {
    const tall = Math.max(1.5, (row.open / most) * (height - 4));
    return svg('rect', {
      class: row.zone_id === zoneId ? 'mark' : 'other',
      x: (i * step).toFixed(2),
      y: (height - tall).toFixed(2),
      width: Math.max(step - 1, 1).toFixed(2),
      height: tall.toFixed(2),
      rx: 1,
    });
  });
  return canvas(height, ...bars);
}

/** One bar, divided into what was kept and what was missed. */
export function metAndMissed(row: { met: number; missed: number }): SVGElement {
  const total = row.met + row.missed;
  const met = total ? (row.met / total) * WIDTH : 0;
  const part = (kind: string, x: number, width: number): SVGElement =>
    svg('rect', { class: kind, x: x.toFixed(2), y: 0, width: Math.max(width, 0).toFixed(2), height: 14 });
  if (!total) return canvas(14, part('none', 0, WIDTH));
  return canvas(14, part('good', 0, met), part('bad', met, WIDTH - met));
}

/** Two pairs of bars: new requests and resolved ones, each above those of the days before. */
export function flow(row: ZoneRow): SVGElement {
  const most = Math.max(1, row.created, row.created_before, row.resolved, row.resolved_before);
  const bars: [value: number, kind: string, y: number][] = [
    [row.created, 'mark', 0],
    [row.created_before, 'other', 11],
    [row.resolved, 'good', 26],
    [row.resolved_before, 'other', 37],
  ];
  const bar = (kind: string, y: number, width: number): SVGElement =>
    svg('rect', { class: kind, x: 0, y, width: width.toFixed(2), height: 9, rx: 2 });
  const rects = bars.flatMap(([value, kind, y]) => [
    bar('none', y, WIDTH),
    bar(kind, y, Math.max((value / most) * WIDTH, value ? 2 : 0)),
  ]);
  return canvas(46, ...rects);
}
