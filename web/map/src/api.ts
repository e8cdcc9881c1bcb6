/** Calls of the API: with ETags, a deadline, and failures told apart by what one can do about them. */

import type { Bbox, CellsAnswer, MapConfig, PublicRequest, RequestEvent, ZoneCollection } from './types';

/** `offline`: nothing was reached; `server`: it has trouble; `refused`: it said why, in `message`. */
export class ApiError extends Error {
  constructor(
    readonly kind: 'offline' | 'server' | 'refused',
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }
}

const DEADLINE_MS = 20_000;
const KEPT = 64;
const kept = new Map<string, { etag: string; body: unknown }>();

/** Returns the JSON at `path`; an answer that has not changed comes from memory. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const known = kept.get(path);
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (known) headers['If-None-Match'] = known.etag;
  const answer = await reach(path, headers, signal);
  if (answer.status === 304 && known) return known.body as T;
  if (!answer.ok) throw await failure(answer);
  const body = (await answer.json()) as T;
  const etag = answer.headers.get('ETag');
  if (etag) keep(path, etag, body);
  return body;
}

async function reach(
  path: string,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Response> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch(path, {
      headers,
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('offline', 'The server cannot be reached.');
  }
}

async function failure(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  const detail = (body as { detail?: unknown } | null)?.detail;
  const text = typeof detail === 'string' ? detail : `The server answered ${answer.status}.`;
  return new ApiError(answer.status >= 500 ? 'server' : 'refused', text, answer.status);
}

function keep(path: string, etag: string, body: unknown): void {
  kept.delete(path);
  kept.set(path, { etag, body });
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
}

export const config = (): Promise<MapConfig> => get('/map/config.json');
export const zoneOutlines = (): Promise<ZoneCollection> => get('/map/zones.geojson');

export function heatmap(query: URLSearchParams, signal: AbortSignal): Promise<CellsAnswer> {
  return get(`/analytics/geofeeds/heatmap?${query}`, signal);
}

export function request(id: string): Promise<PublicRequest> {
  return get(`/requests/${encodeURIComponent(id)}`);
}

export async function history(id: string): Promise<RequestEvent[]> {
  const page = await get<{ events: RequestEvent[] }>(`/requests/${encodeURIComponent(id)}/events`);
  return page.events;
}

export async function requestsIn(bbox: Bbox, filters: URLSearchParams): Promise<PublicRequest[]> {
  const query = new URLSearchParams(filters);
  query.set('bbox', bbox.join(','));
  query.set('limit', '200');
  const page = await get<{ items: PublicRequest[] }>(`/requests?${query}`);
  return page.items;
}
