import { parseDuration } from '@kplug/controller';
import { z } from 'zod';

/** One thing that can be set of an operator, by a flag, a variable of the environment, or a field of the configuration file. */
export interface Setting<T = unknown> {
  /** The flags, without dashes. The first is the one that is written about. */
  flags: readonly [string, ...string[]];
  /** The flag of one letter. */
  short?: string;
  /** What stands for the value in the help; missing for a switch. */
  placeholder?: string;
  /** Whether the flag may be given several times. */
  isList?: boolean;
  /** What it is for, for people. */
  description: string;
  /** What holds when it isn't given, in words. */
  fallback: string;
  group: Group;
  /** The value as the configuration file has it. */
  schema: z.ZodType<T>;
  /** The value that a flag or a variable says; checked by `schema` after that. */
  read: (text: string) => unknown;
}

/** The headings under which settings stand. */
export type Group = 'Resources' | 'Delegations' | 'Plugins' | 'Ports' | 'Leader election' | 'Logs';

/** What every kind of setting is made of. */
interface Common {
  flags: Setting['flags'];
  short?: string;
  description: string;
  fallback: string;
  group: Group;
}

/** A text. */
export function text(given: Common & { placeholder: string }): Setting<string> {
  return { ...given, schema: z.string().min(1), read: (value) => value };
}

/** Texts: the flag several times, or one text with commas. */
export function texts(given: Common & { placeholder: string }): Setting<string[]> {
  return { ...given, isList: true, schema: z.array(z.string().min(1)), read: splitAtCommas };
}

/** On or off. */
export function toggle(given: Common): Setting<boolean> {
  const read = (value: string) => ({ true: true, false: false })[value] ?? value;
  return { ...given, schema: z.boolean({ error: 'must be true or false' }), read };
}

/** A whole number of at least one. */
export function count(given: Common & { placeholder: string; max: number }): Setting<number> {
  const { max, ...rest } = given;
  const error = `must be a whole number from 1 to ${max.toLocaleString('en')}`;
  return { ...rest, schema: z.int({ error }).min(1, { error }).max(max, { error }), read: readNumber };
}

/** A duration, in milliseconds in the file or as a text such as `5s`. */
export function time(given: Common): Setting<number> {
  const schema = z.union([z.number(), z.string()]).transform((value, context) => {
    const duration = typeof value === 'number' ? value : parseDuration(value);
    if (duration) return duration;
    context.addIssue({ code: 'custom', message: 'is no duration; write one such as 500ms, 5s or 1m30s' });
    return z.NEVER;
  });
  return { ...given, placeholder: 'duration', schema, read: (value) => value };
}

/** One of a few words, which the description is followed by. */
export function choice<const T extends string>(
  given: Common & { placeholder: string; choices: readonly T[] },
): Setting<T> {
  const { choices, ...rest } = given;
  const description = `${given.description}: ${choices.join(', ')}`;
  const schema = z.enum(choices, { error: `must be one of ${choices.join(', ')}` });
  return { ...rest, description, schema, read: (value) => value };
}

/** The variable of the environment for a setting. */
export function variableOf({ flags: [flag] }: Pick<Setting, 'flags'>): string {
  return `KPLUG_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function splitAtCommas(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function readNumber(value: string): unknown {
  return value.trim() === '' || Number.isNaN(Number(value)) ? value : Number(value);
}
