/** What the page shows, kept in the address so that a view can be shared. */

export const LAYERS = ['count', 'sla_risk', 'priority_age'] as const;
export const STATUSES = ['new', 'triaged', 'assigned', 'in_progress', 'resolved', 'closed'] as const;
export const OPEN = STATUSES.slice(0, 4);
export const PERIODS = ['all', '1', '7', '30'] as const;

export type Layer = (typeof LAYERS)[number];
export type Period = (typeof PERIODS)[number];

/** `status` is one of STATUSES, `open` or `all`; at most one of zone, cell and request is shown. */
export interface State {
  layer: Layer;
  category: string;
  status: string;
  period: Period;
  zone: string;
  cell: string;
  request: string;
}

const DEFAULTS: State = {
  layer: 'count',
  category: '',
  status: 'open',
  period: 'all',
  zone: '',
  cell: '',
  request: '',
};
const KEYS = Object.keys(DEFAULTS) as (keyof State)[];

type Listener = (state: State, changed: Set<keyof State>) => void;

/** Holds the state and tells who listens what has changed. */
export class Store {
  state: State = { ...DEFAULTS, ...fromHash() };
  private listeners: Listener[] = [];

  constructor() {
    window.addEventListener('hashchange', () => this.update({ ...DEFAULTS, ...fromHash() }));
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  update(change: Partial<State>): void {
    const changed = new Set(KEYS.filter((key) => key in change && change[key] !== this.state[key]));
    if (!changed.size) return;
    this.state = { ...this.state, ...change };
    window.history.replaceState(null, '', toHash(this.state));
    for (const listener of this.listeners) listener(this.state, changed);
  }

  /** Shows one thing in the panel, or none. */
  show(what: 'zone' | 'cell' | 'request' | null, id = ''): void {
    this.update({ zone: '', cell: '', request: '', ...(what ? { [what]: id } : {}) });
  }

  /** Takes all filters back. */
  reset(): void {
    const { category, status, period } = DEFAULTS;
    this.update({ category, status, period });
  }

  get filtered(): boolean {
    return (['category', 'status', 'period'] as const).some((k) => this.state[k] !== DEFAULTS[k]);
  }
}

/** The statuses that a status filter means; none: all. */
export function statusesOf(status: string): readonly string[] {
  if (status === 'open') return OPEN;
  return status === 'all' ? [] : [status];
}

function fromHash(): Partial<State> {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const found: Partial<State> = {};
  for (const key of KEYS) {
    const value = given.get(key);
    if (value !== null && allowed(key, value)) Object.assign(found, { [key]: value });
  }
  return found;
}

function allowed(key: keyof State, value: string): boolean {
  if (key === 'layer') return LAYERS.some((known) => known === value);
  if (key === 'period') return PERIODS.some((known) => known === value);
  if (key === 'status') return ['open', 'all', ...STATUSES].includes(value);
  return value.length <= 40;
}

function toHash(state: State): string {
  const parts = new URLSearchParams();
  for (const key of KEYS) if (state[key] !== DEFAULTS[key]) parts.set(key, state[key]);
  const text = parts.toString();
  return text ? `#${text}` : window.location.pathname;
}
