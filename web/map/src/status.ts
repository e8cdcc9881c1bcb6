/** Says how things stand: live or not, offline, the server in trouble, nothing to show. */

import { ApiError } from './api';
import { byId } from './dom';
import { clockTime } from './format';
import type { LiveState } from './live';

const LIVE_TEXT: Record<LiveState, string> = {
  live: 'Live',
  waiting: 'Connecting',
  none: 'Updated every 15 s',
};

/** What changes by itself is not read out more often than this. */
const QUIET_MS = 10_000;

export class Status {
  private live: LiveState = 'waiting';
  private asOf: Date | null = null;
  private trouble = '';
  private said = '';
  private saidAt = -QUIET_MS;

  constructor() {
    window.addEventListener('offline', () => this.show());
    window.addEventListener('online', () => this.show());
  }

  setLive(state: LiveState): void {
    this.live = state;
    this.show();
  }

  /** The numbers were read, as of this time. */
  read(asOf: Date): void {
    this.asOf = asOf;
    this.trouble = '';
    this.show();
  }

  /** The numbers could not be read. */
  failed(error: unknown): void {
    this.trouble = troubleText(error);
    this.show();
  }

  /** Tells a screen reader, and nobody else: what was asked for at once, else now and then. */
  announce(text: string, asked: boolean): void {
    const now = performance.now();
    if (text === this.said || (!asked && now - this.saidAt < QUIET_MS)) return;
    this.said = text;
    this.saidAt = now;
    byId('announce').textContent = text;
  }

  private show(): void {
    const offline = !navigator.onLine;
    const since = this.asOf ? ` What you see is of ${clockTime(this.asOf)}.` : '';
    const text = offline ? 'You are offline.' : this.trouble;
    const banner = byId('banner');
    banner.hidden = !text;
    if (text) banner.textContent = text + since;
    byId('live').dataset.state = text ? 'trouble' : this.live;
    const time = this.asOf ? ` · ${clockTime(this.asOf)}` : '';
    byId('live-text').textContent = (text ? 'Not up to date' : LIVE_TEXT[this.live]) + time;
  }
}

function troubleText(error: unknown): string {
  if (!(error instanceof ApiError)) return 'Something went wrong while reading the numbers.';
  if (error.kind === 'offline') return 'The server cannot be reached; the page keeps trying.';
  if (error.kind === 'server') return 'The server has trouble; the page keeps trying.';
  return error.message;
}
