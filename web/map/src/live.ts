/** The live stream: told what has moved, and asked for again when it breaks. */

import type { LiveEvent } from './types';

export type LiveState = 'live' | 'waiting' | 'none';

interface LiveHandlers {
  /** Requests have moved, or left the map (no events then). */
  moves: (events: LiveEvent[]) => void;
  /** Something may have been missed, or there is no stream: read everything again. */
  refresh: () => void;
  state: (state: LiveState) => void;
}

const POLL_MS = 15_000;
const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 30_000];

/** Follows `/analytics/live`; where it cannot, asks for the map to be read every 15 s. */
export class Live {
  private source: EventSource | null = null;
  private url = '';
  private failures = 0;
  private retry = 0;

  constructor(private readonly handlers: LiveHandlers) {
    window.setInterval(() => {
      const open = this.source?.readyState === EventSource.OPEN;
      if (!open && !document.hidden) this.handlers.refresh();
    }, POLL_MS);
    window.addEventListener('online', () => this.open());
    window.addEventListener('pagehide', () => this.close());
    window.addEventListener('pageshow', (event) => event.persisted && this.open());
  }

  /** Follows what happens under this query from now on. */
  follow(query: URLSearchParams): void {
    const url = `/analytics/live?${query}`;
    if (url === this.url && this.source) return;
    this.url = url;
    this.failures = 0;
    this.open();
  }

  private close(): void {
    window.clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.close();
    if (!this.url) return;
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener('open', () => {
      // What happened while there was no stream was not told.
      if (this.failures) this.handlers.refresh();
      this.failures = 0;
      this.handlers.state('live');
    });
    source.addEventListener('frame', (event) => this.handlers.moves(eventsOf(event)));
    source.addEventListener('reset', () => this.handlers.refresh());
    source.addEventListener('status', (event) => {
      const told = parsed(event) as { broker?: unknown } | null;
      this.handlers.state(told?.broker === 'up' ? 'live' : 'waiting');
    });
    source.addEventListener('error', () => this.failed(source));
  }

  /** A browser tries again by itself unless the server has refused: then we do, ever more slowly. */
  private failed(source: EventSource): void {
    if (source !== this.source) return;
    this.failures += 1;
    this.handlers.state('waiting');
    if (source.readyState !== EventSource.CLOSED) return;
    if (this.failures > 2) this.handlers.state('none');
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1] ?? 0;
    this.retry = window.setTimeout(() => this.open(), wait);
  }
}

function parsed(event: MessageEvent<string>): unknown {
  try {
    return JSON.parse(event.data);
  } catch {
    return null;
  }
}

function eventsOf(event: MessageEvent<string>): LiveEvent[] {
  const events = (parsed(event) as { events?: unknown } | null)?.events;
  return Array.isArray(events) ? (events as LiveEvent[]) : [];
}
