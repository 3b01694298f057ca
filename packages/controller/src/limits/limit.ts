/** Unit of a limit: milliseconds, bytes, characters, levels of nesting, percent, or a plain number. */
export type LimitUnit = 'ms' | 'bytes' | 'characters' | 'levels' | 'percent' | 'count';

/** A size, count or time limit. */
export interface Limit {
  /** Value, or the default where the limit can be changed. */
  readonly value: number;
  readonly unit: LimitUnit;
  readonly description: string;
  /** Options, flags and fields that change the limit, the option of the library first. None for a fixed limit. */
  readonly settings?: readonly [string, ...string[]];
  /** Smallest accepted value. Default 0. */
  readonly min?: number;
  /** Largest accepted value. Default: none. */
  readonly max?: number;
  /** Sane values, for people; others are accepted, too. */
  readonly sane?: readonly [low: number, high: number];
}

/** Limits of one part of the controller, by name. */
export type LimitGroup = Readonly<Record<string, Limit>>;

/** Properties of a limit that has a setting. */
type Adjustment = Pick<Limit, 'settings' | 'min' | 'max' | 'sane'>;

export const seconds = 1_000;
export const minutes = 60 * seconds;
export const hours = 60 * minutes;
export const days = 24 * hours;

export const KiB = 1_024;
export const MiB = 1_024 * KiB;
export const GiB = 1_024 * MiB;

/** Makes limits of one unit. Their type keeps the given range and settings. */
function limitIn(unit: LimitUnit) {
  return <const A extends Adjustment = object>(value: number, description: string, adjustment?: A): Limit & A =>
    ({ value, unit, description, ...adjustment }) as Limit & A;
}

export const milliseconds = limitIn('ms');
export const bytes = limitIn('bytes');
export const characters = limitIn('characters');
export const levels = limitIn('levels');
export const percent = limitIn('percent');
export const count = limitIn('count');
