import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { KplugError, messageOf } from '../errors.ts';
import { documentOptions, findDocumentFault, mostAliases } from '../resources/check-document.ts';
import { formatPath } from '../resources/json.ts';
import { locate } from '../resources/locate.ts';
import { duration } from '../settings/duration.ts';
import type { Terms } from './program.ts';

/** The largest `plugin.yaml` that is read, in characters. */
const largest = 64 * 1024;

/** What the controller says to each process itself. */
const reserved = /^KPLUG_(?:CONTROLLER|INSTANCE_ID|TOKEN)$/;

const units: Record<string, number> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9 };

const bytes = z.union([z.number(), z.string()]).transform((value, context) => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G)?$/.exec(String(value)) ?? [];
  const amount = Number(digits) * (units[unit] ?? 0);
  if (amount >= 1) return Math.floor(amount);
  context.addIssue({ code: 'custom', message: `"${value}" is no amount of memory; write one such as 256Mi or 1Gi` });
  return z.NEVER;
});

const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name such as LOG_LEVEL'),
  z.union([z.string(), z.number(), z.boolean()], 'must be a text').transform(String),
);

/** What may stand in a `plugin.yaml`. Durations are texts such as `30s`, or milliseconds. */
const pluginFileSchema = z.strictObject({
  command: z.string('must be the program to start, such as ./plugin or python3').min(1, 'must not be empty'),
  arguments: z.array(z.string('must be a text; put it in quotes')).default([]),
  environment: environment.default({}),
  resources: z
    .strictObject({
      memory: bytes.optional(),
      openFiles: z.int().min(16).optional(),
      niceness: z.int().min(0).max(19).optional(),
    })
    .default({}),
  health: z.strictObject({ startTimeout: duration.optional(), lostTimeout: duration.optional() }).default({}),
  restart: z
    .strictObject({
      policy: z.enum(['always', 'on-failure', 'never']).optional(),
      initialBackOff: duration.optional(),
      maxBackOff: duration.optional(),
      resetAfter: duration.optional(),
    })
    .default({}),
  drainTimeout: duration.optional(),
  serviceAccount: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of a ServiceAccount')
    .optional(),
});

/** What a `plugin.yaml` says. */
export interface PluginFile extends Terms {
  command: string;
  arguments: readonly string[];
}

interface Fault {
  path: (string | number)[];
  message: string;
}

/**
 * Reads a `plugin.yaml`. What it doesn't say is as in `terms`. Throws `InvalidConfiguration`, naming file, line and field of each
 * fault.
 */
export function readPluginFile(text: string, file: string, terms: Terms): PluginFile {
  if (text.length > largest) throw invalid(`${file} is larger than ${largest / 1024} KiB`);
  const lines = new LineCounter();
  const document = parseDocument(text, { ...documentOptions, lineCounter: lines });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const fault = findDocumentFault(document);
  if (fault) throw invalid(`${at(fault.offset)}: this is not sound YAML: ${fault.message}`);
  const { data, faults } = check(contentOf(document, file));
  if (data) return withDefaults(data, terms);
  const said = faults.map(({ path, message }) => {
    const where = at(locate(document.contents, path));
    return `${where}: ${[formatPath(path), message].filter(Boolean).join(' ')}`;
  });
  throw invalid(said.join('; '));
}

function contentOf(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases });
  } catch (cause) {
    throw new KplugError('InvalidConfiguration', `${file} can't be read: ${messageOf(cause)}`, { cause });
  }
}

type Content = z.infer<typeof pluginFileSchema>;

function check(content: unknown): { data: Content; faults?: never } | { data?: never; faults: Fault[] } {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return { faults: [{ path: [], message: 'the file must be a mapping with a command, such as command: ./plugin' }] };
  }
  const { data, error } = pluginFileSchema.safeParse(content);
  const faults = (error?.issues ?? []).flatMap(faultsOf);
  for (const name of Object.keys(data?.environment ?? {})) {
    if (reserved.test(name)) {
      faults.push({ path: ['environment', name], message: 'is said to each process by the controller; leave it out' });
    }
  }
  return data && faults.length === 0 ? { data } : { faults };
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is no field of a plugin.yaml' }));
  }
  const messages = issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message) : [issue.message];
  return [{ path, message: messages.join(', or ') }];
}

function withDefaults(content: Content, terms: Terms): PluginFile {
  const { command, health, restart, resources, drainTimeout = terms.drainTimeout } = content;
  return {
    command,
    arguments: content.arguments,
    environment: { ...terms.environment, ...content.environment },
    resources: { ...terms.resources, ...stated(resources) },
    health: { ...terms.health, ...stated(health) },
    restart: { ...terms.restart, ...stated(restart) },
    drainTimeout,
    ...(content.serviceAccount === undefined ? {} : { serviceAccount: content.serviceAccount }),
  };
}

/** The same without the fields of which nothing is said. */
function stated<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}
