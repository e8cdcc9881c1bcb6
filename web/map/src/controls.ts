/** The filters' form, and the legend. */

import { byId, h } from './dom';
import { area } from './format';
import { areaKm2 } from './geometry';
import { classLabel, LAYER_TEXT } from './scale';
import type { Layer, State, Store } from './store';
import type { CellsAnswer, MapConfig } from './types';

const NOTES: Record<Layer, string> = {
  count: '',
  sla_risk: 'Open requests whose promise falls due within a day, or is overdue. Status and time do not matter here.',
  priority_age: 'Hours since they were reported, urgent ones counted up to eight times.',
};

/** What is said of a category whose reports are not shown where they are. */
const PRIVATE: Record<string, string> = {
  exact: '',
  area: 'Reports of this category are private: with any status and time, coarse areas show those of months that are over.',
  none: 'Reports of this category are private and not shown on the map.',
};

/** Fills the form and keeps it and the state the same. */
export function wireFilters(store: Store, config: MapConfig): void {
  const form = byId<HTMLFormElement>('filters');
  const select = byId<HTMLSelectElement>('category');
  const categories = [...config.categories].sort((a, b) => a.name.localeCompare(b.name));
  for (const { code, name } of categories) select.append(h('option', { value: code }, name));
  form.addEventListener('change', () => {
    const given = new FormData(form);
    const change: Partial<State> = {};
    for (const key of ['layer', 'category', 'status', 'period'] as const) {
      const value = given.get(key);
      if (typeof value === 'string') Object.assign(change, { [key]: value });
    }
    store.update(change);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  const publicity = new Map(config.categories.map((each) => [each.code, each.public]));
  const show = (state: State): void => {
    showState(form, state);
    const note = byId('layer-note');
    note.textContent = NOTES[state.layer] || PRIVATE[publicity.get(state.category) ?? 'exact'] || '';
    note.hidden = !note.textContent;
  };
  store.onChange(show);
  show(store.state);
}

function showState(form: HTMLFormElement, state: State): void {
  for (const key of ['layer', 'category', 'status', 'period'] as const) {
    const field = form.elements.namedItem(key) as RadioNodeList | HTMLSelectElement | null;
    if (field) field.value = state[key];
  }
  const fixed = state.layer === 'sla_risk';
  byId<HTMLSelectElement>('status').disabled = fixed;
  for (const radio of form.querySelectorAll<HTMLInputElement>('[name=period]')) radio.disabled = fixed;
}

/** Shows the classes with their colours; hidden where there is nothing to explain. */
export function renderLegend(
  answer: CellsAnswer,
  layer: Layer,
  bounds: number[],
  colors: string[],
): void {
  const box = byId('legend');
  const example = answer.cells[0]?.[0];
  box.hidden = !example;
  if (!example) return;
  const values = answer.cells.map(([, value]) => value);
  const whole = values.every(Number.isInteger);
  const most = Math.max(...values);
  const classes = colors.map((color, i) => {
    const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
    swatch.style.background = color;
    return h('li', {}, swatch, classLabel(bounds, i, whole, most));
  });
  const unit = layer === 'priority_age' ? ' (hours)' : '';
  box.replaceChildren(
    h('h2', {}, LAYER_TEXT[layer].title + unit),
    h('ul', {}, ...classes),
    h('p', {}, `Hexagons of ${area(areaKm2(example))}`),
  );
}
