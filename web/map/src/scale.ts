/** From values to classes and colours. */

import { hours, number } from './format';
import type { Layer } from './store';

export type Theme = 'light' | 'dark';

/** From few to many. Neighbours differ in lightness too, for those who see few colours. */
export const PALETTES: Record<Theme, Record<Layer, string[]>> = {
  light: {
    count: ['#b5dfcf', '#7cc4b8', '#3fa0a5', '#1f7389', '#123c69'],
    sla_risk: ['#fbd3a5', '#f9ae66', '#f0803c', '#cf4520', '#7f1d1d'],
    priority_age: ['#d6c6f0', '#b79fe3', '#9a7bd3', '#6c47ab', '#3b1c71'],
  },
  dark: {
    count: ['#27607a', '#2b8698', '#48b0aa', '#86d6c0', '#e3fbe9'],
    sla_risk: ['#7d3b22', '#b04a22', '#e2702c', '#fba95f', '#ffe6c2'],
    priority_age: ['#523c85', '#7455b3', '#8e6cd1', '#bb9df0', '#efe4ff'],
  },
};

/** The least share of hexagons below each class but the first: most have few, few have many. */
const SHARES = [0.4, 0.7, 0.88, 0.97];

/** Returns the lower bounds of at most five classes, ascending; the first is the least value. */
export function classBounds(values: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[0];
  if (least === undefined) return [];
  const distinct = [...new Set(sorted)];
  if (distinct.length <= 5) return distinct;
  const cuts = SHARES.map((share) => nice(sorted[Math.floor(share * sorted.length)] ?? least));
  const most = sorted[sorted.length - 1] ?? least;
  const rising = [...new Set(cuts)].filter((cut) => cut > least && cut <= most);
  return [least, ...rising];
}

/** Rounds up to two digits that count. */
function nice(value: number): number {
  if (value <= 10) return Math.ceil(value);
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / unit) * unit;
}

/** Spreads the palette over as many classes as there are. */
export function colorsFor(count: number, palette: string[]): string[] {
  const last = palette.length - 1;
  if (count === 1) return [palette[2] ?? '#888'];
  return Array.from({ length: count }, (_, i) => {
    return palette[Math.round((i * last) / (count - 1))] ?? '#888';
  });
}

/** What a class holds, as text: 1, 2–4, 12+; `most` is the greatest value there is. */
export function classLabel(bounds: number[], index: number, whole: boolean, most: number): string {
  const from = bounds[index] ?? 0;
  const next = bounds[index + 1];
  if (next === undefined) return from < most ? `${number(from)}+` : number(from);
  if (!whole) return `${number(from)}–${number(next)}`;
  return next - 1 <= from ? number(from) : `${number(from)}–${number(next - 1)}`;
}

export const LAYER_TEXT: Record<Layer, { title: string; value: (value: number) => string }> = {
  count: {
    title: 'Reports per hexagon',
    value: (value) => `${number(value)} ${value === 1 ? 'report' : 'reports'}`,
  },
  sla_risk: {
    title: 'Promises about to break',
    value: (value) => `${number(value)} due soon or overdue`,
  },
  priority_age: {
    title: 'Age × priority',
    value: (value) => `${hours(value)} of waiting, weighted by priority`,
  },
};
