import { parseDuration } from '@kplug/controller/tools';
import { z } from 'zod';

/** Setting of an operator: a flag, an environment variable and a field of the configuration file. */
export interface Setting<T = unknown> {
  /** Names of the flag, without dashes. The first one is documented; the others are aliases. */
  flags: readonly [string, ...string[]];
  /** Short flag, of one letter. */
  short?: string;
  /** Placeholder of the value in the help; missing for a switch. */
  placeholder?: string;
  /** True if the flag may be given several times. */
  isList?: boolean;
  /** Description, for people. */
  description: string;
  /** Default, for people. */
  fallback: string;
  group: Group;
  /** Schema of the value in the configuration file. */
  schema: z.ZodType<T>;
  /** Converts the text of a flag or variable; `schema` checks the result. */
  read: (text: string) => unknown;
}

/** Headings of the settings. */
export type Group = 'Resources' | 'Delegations' | 'Plugins' | 'Security' | 'Ports' | 'Leader election' | 'Logs';

/** Properties of all settings. */
interface Common {
  flags: Setting['flags'];
  short?: string;
  description: string;
  fallback: string;
  group: Group;
}

/** Makes a setting for a string. */
export function text(given: Common & { placeholder: string }): Setting<string> {
  return { ...given, schema: z.string().min(1), read: (value) => value };
}

/** Makes a setting for a list of strings: a repeated flag, or a string with commas. */
export function texts(given: Common & { placeholder: string }): Setting<string[]> {
  return { ...given, isList: true, schema: z.array(z.string().min(1)), read: splitAtCommas };
}

/** Makes a setting for a switch. */
export function toggle(given: Common): Setting<boolean> {
  const read = (value: string) => ({ true: true, false: false })[value] ?? value;
  return { ...given, schema: z.boolean({ error: 'must be true or false' }), read };
}

/** Makes a setting for a whole number from 1 to `max`. */
export function count(given: Common & { placeholder: string; max: number }): Setting<number> {
  const { max, ...rest } = given;
  const error = `must be a whole number from 1 to ${max.toLocaleString('en')}`;
  return { ...rest, schema: z.int({ error }).min(1, { error }).max(max, { error }), read: readNumber };
}

/** Makes a setting for a percentage: a string such as `50%`, or a number in the configuration file. */
export function percentage(given: Common): Setting<number> {
  const error = 'must be a percentage from 0% to 100%';
  const schema = z.union([z.number(), z.string()], { error }).transform((value, context) => {
    const percent = typeof value === 'number' ? value : readPercent(value);
    if (percent >= 0 && percent <= 100) return percent;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
  return { ...given, placeholder: 'percentage', schema, read: (value) => value };
}

/** Makes a setting for a duration: a string such as `5s`, or milliseconds in the configuration file. */
export function time(given: Common): Setting<number> {
  const schema = z.union([z.number(), z.string()]).transform((value, context) => {
    const duration = typeof value === 'number' ? value : parseDuration(value);
    if (duration) return duration;
    context.addIssue({ code: 'custom', message: 'is not a duration; use one such as 500ms, 5s or 1m30s' });
    return z.NEVER;
  });
  return { ...given, placeholder: 'duration', schema, read: (value) => value };
}

/** Makes a setting for a choice. The choices are added to the description. */
export function choice<const T extends string>(
  given: Common & { placeholder: string; choices: readonly T[] },
): Setting<T> {
  const { choices, ...rest } = given;
  const description = `${given.description}: ${choices.join(', ')}`;
  const schema = z.enum(choices, { error: `must be one of ${choices.join(', ')}` });
  return { ...rest, description, schema, read: (value) => value };
}

/** Returns the environment variable of a setting. */
export function variableOf({ flags: [flag] }: Pick<Setting, 'flags'>): string {
  return `KPLUG_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function splitAtCommas(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** Returns `NaN` for a text that is no percentage. */
function readPercent(value: string): number {
  const [, digits] = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(value) ?? [];
  return Number(digits);
}

function readNumber(value: string): unknown {
  return value.trim() === '' || Number.isNaN(Number(value)) ? value : Number(value);
}
