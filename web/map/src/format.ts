/** Numbers, times and names as people read them. */

const LANGUAGE = document.documentElement.lang || 'en';
const whole = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const rounded = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 2 });
const compact = new Intl.NumberFormat(LANGUAGE, { notation: 'compact', maximumSignificantDigits: 3 });

let timeZone = 'UTC';

/** Sets the time zone in which all times are shown: the city's. */
export function setTimeZone(name: string): void {
  timeZone = name;
}

export function number(value: number): string {
  if (Math.abs(value) >= 100_000) return compact.format(value);
  return (Math.abs(value) < 10 && !Number.isInteger(value) ? precise : whole).format(value);
}

/** Hours as the two units that say most: 0.5 → 30 min, 5 → 5 h, 60 → 2 d 12 h. */
export function hours(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value < 1) return `${Math.round(value * 60)} min`;
  if (value < 24) return `${precise.format(value)} h`;
  const days = Math.floor(value / 24);
  const rest = Math.round(value - days * 24);
  if (days >= 10 || rest === 0) return `${whole.format(Math.round(value / 24))} d`;
  return `${days} d ${rest} h`;
}

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${precise.format(value)} %`;
}

/** An area in km², or in m² where that reads better. */
export function area(km2: number): string {
  return km2 >= 0.1 ? `${precise.format(km2)} km²` : `${rounded.format(km2 * 1e6)} m²`;
}

export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString(LANGUAGE, {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

export function clockTime(at: Date): string {
  return at.toLocaleTimeString(LANGUAGE, {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

/** The city's local day, YYYY-MM-DD, `back` days before the one of `now`. */
export function localDay(now: Date, back: number): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone }).format(now);
  const noon = new Date(`${day}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() - back);
  return noon.toISOString().slice(0, 10);
}

/** A zone's name without its code in front and the note in brackets after it. */
export function zoneName(zoneId: string, name: string): string {
  const bare = name.replace(/\s*\([^()]*\)\s*$/, '');
  return bare.startsWith(`${zoneId} `) ? bare.slice(zoneId.length + 1) : bare;
}

const EVENTS: Record<string, string> = {
  created: 'Reported',
  imported: 'Taken over from another system',
  triaged: 'Looked at',
  assigned: 'Assigned to a crew',
  in_progress: 'Work has begun',
  resolved: 'Resolved',
  closed: 'Closed',
  held: 'On hold',
  resumed: 'Goes on',
  category_changed: 'Category corrected',
  priority_changed: 'Priority changed',
  location_changed: 'Place corrected',
  duplicate_linked: 'Joined with a report of the same matter',
  duplicate_unlinked: 'No longer joined with another report',
  supported: 'Somebody else reports it, too',
  succeeded: 'Continued as a new request',
};

export function eventName(type: string): string {
  return EVENTS[type] ?? words(type);
}

/** A code such as `in_progress` as words. */
export function words(code: string): string {
  const text = code.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}
