import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Format } from 'ajv';

const time = String.raw`([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)`;
const day = String.raw`\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`;
const units = 'ns|nano|us|µs|micro|ms|milli|s|sec|second|m|min|minute|h|hr|hour|d|day|w|week';
const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Formats that the API server checks. It ignores others. */
export const formats: Readonly<Record<string, Format>> = {
  byte: /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  cidr: isRange,
  date: (text: string) => new RegExp(`^${day}$`).test(text) && isDay(text),
  'date-time': (text: string) => new RegExp(`^${day}[t ]${time}$`, 'i').test(text) && isDay(text.slice(0, 10)),
  duration: new RegExp(`^([-+]?0|([-+]?\\d+(\\.\\d*)?\\s?(${units})s?)+)$`, 'i'),
  email: /^[^\s@]+@[^\s@]+$/,
  hostname: /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i,
  int32: { type: 'number', validate: (value: number) => value >= -(2 ** 31) && value < 2 ** 31 },
  int64: { type: 'number', validate: (value: number) => value >= -(2 ** 63) && value <= 2 ** 63 },
  ipv4: isIPv4,
  ipv6: isIPv6,
  mac: /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i,
  uri: /^(\/|[a-z][a-z0-9+.-]*:)\S*$/i,
  uuid,
};

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isRange(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  const version = isIP(address);
  return version > 0 && rest.length === 0 && /^\d+$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
}
