import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';

/** Milliseconds of a timestamp; undefined if it is unset. */
export function millisecondsOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1_000 + time.nanos / 1e6;
}

/** Milliseconds of a duration; undefined if it is unset. */
export function durationOf(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** Formats a span of time in its two largest units, such as `3m 5s`; `0s` for a negative one. */
export function formatSpan(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0s';
  const [unit, size] = units[first] ?? ['s', 1];
  const whole = Math.floor(seconds / size);
  const [nextUnit, nextSize] = units[first + 1] ?? ['', 0];
  const rest = nextSize ? Math.floor((seconds % size) / nextSize) : 0;
  // Seconds don't matter beside hours, nor minutes beside days of two digits.
  return rest > 0 && whole < 10 ? `${whole}${unit} ${rest}${nextUnit}` : `${whole}${unit}`;
}

/** Formats how long ago something was, such as `3m ago`. Small differences of clocks don't make a future. */
export function formatAge(at: number, now: number): string {
  const age = now - at;
  if (age < -2_000) return `in ${formatSpan(-age)}`;
  return age < 2_000 ? 'just now' : `${formatSpan(age)} ago`;
}

/** Formats a duration of a call or a pass: `850 µs`, `12 ms`, `1.25 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(milliseconds * 1_000)} µs`;
  if (milliseconds < 1_000) return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  return milliseconds < 60_000
    ? `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`
    : formatSpan(milliseconds);
}

/** Formats the time of day by the clock of the browser, `12:03:05`, with the date unless it is of the same day. */
export function formatClock(at: number, now: number): string {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return date.toDateString() === new Date(now).toDateString() ? clock : `${formatDay(date)} ${clock}`;
}

/** Formats a time for programs and tooltips, `2026-11-29 12:03:05.123`. */
export function formatExact(at: number): string {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return `${formatDay(date)} ${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function formatDay(date: Date): string {
  return [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
