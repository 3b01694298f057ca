import { locate, readYaml } from '@kplug/protocol';
import { z } from 'zod';
import { KplugError } from '../errors.ts';
import { KiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { formatPath } from '../resources/json.ts';
import { durationSchema } from '../settings/duration-schema.ts';
import type { RunSettings } from './program.ts';

const { maxFileSize, maxShownFaults, minOpenFiles, maxNiceness } = limits.pluginsFolder;
const { maxDocumentTokens: maxTokens, maxDepth, maxAliases, maxAliasedValues } = limits.resources;
const yamlBounds = { maxTokens, maxDepth, maxAliases, maxAliasedValues };

/** Variables that the controller sets for each process. */
const reserved = /^KPLUG_(?:CONTROLLER|INSTANCE_ID|TOKEN)$/;

const units: Record<string, number> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9 };

const bytes = z.union([z.number(), z.string()]).transform((value, context) => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G)?$/.exec(String(value)) ?? [];
  const amount = Number(digits) * (units[unit] ?? 0);
  if (amount >= 1) return Math.floor(amount);
  context.addIssue({ code: 'custom', message: `"${value}" is not an amount of memory; use one such as 256Mi or 1Gi` });
  return z.NEVER;
});

const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name such as LOG_LEVEL'),
  z.union([z.string(), z.number(), z.boolean()], 'must be a string').transform(String),
);

/** Schema of a `plugin.yaml`. Durations are strings such as `30s`, or milliseconds. */
const pluginFileSchema = z.strictObject({
  command: z.string('must be the program to start, such as ./plugin or python3').min(1, 'must not be empty'),
  arguments: z.array(z.string('must be a string; put it in quotes')).default([]),
  environment: environment.default({}),
  resources: z
    .strictObject({
      memory: bytes.optional(),
      openFiles: z.int().min(minOpenFiles).optional(),
      niceness: z.int().min(0).max(maxNiceness).optional(),
    })
    .default({}),
  health: z
    .strictObject({ startTimeout: durationSchema.optional(), lostTimeout: durationSchema.optional() })
    .default({}),
  restart: z
    .strictObject({
      policy: z.enum(['always', 'on-failure', 'never']).optional(),
      initialBackOff: durationSchema.optional(),
      maxBackOff: durationSchema.optional(),
      resetAfter: durationSchema.optional(),
    })
    .default({}),
  drainTimeout: durationSchema.optional(),
  serviceAccount: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of a ServiceAccount')
    .optional(),
});

/** Content of a `plugin.yaml`, with defaults. */
export interface PluginFile extends RunSettings {
  command: string;
  arguments: readonly string[];
}

interface Fault {
  path: (string | number)[];
  message: string;
}

/**
 * Reads a `plugin.yaml`. Throws `InvalidConfiguration`, which names file, line and field of each fault.
 *
 * @param text content of the file; `undefined` if it is larger than the limit.
 */
export function readPluginFile(text: string | undefined, file: string, defaults: RunSettings): PluginFile {
  if (text === undefined || text.length > maxFileSize) throw invalid(`${file} is larger than ${maxFileSize / KiB} KiB`);
  const { value, node, lines, fault } = readYaml(text, yamlBounds);
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (fault) throw invalid(`${at(fault.offset)}: invalid YAML: ${fault.message}`);
  const { data, faults } = check(value);
  if (data) return withDefaults(data, defaults);
  const messages = faults.slice(0, maxShownFaults).map(({ path, message }) => {
    const position = at(locate(node, path));
    return `${position}: ${[formatPath(path), message].filter(Boolean).join(' ')}`;
  });
  if (faults.length > maxShownFaults) messages.push(`and ${faults.length - maxShownFaults} more faults`);
  throw invalid(messages.join('; '));
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
      faults.push({ path: ['environment', name], message: 'is set by the controller; remove it' });
    }
  }
  return data && faults.length === 0 ? { data } : { faults };
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a field of plugin.yaml' }));
  }
  const messages = issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message) : [issue.message];
  return [{ path, message: messages.join(', or ') }];
}

function withDefaults(content: Content, defaults: RunSettings): PluginFile {
  const { command, health, restart, resources, drainTimeout = defaults.drainTimeout } = content;
  return {
    command,
    arguments: content.arguments,
    environment: { ...defaults.environment, ...content.environment },
    resources: { ...defaults.resources, ...definedOf(resources) },
    health: { ...defaults.health, ...definedOf(health) },
    restart: { ...defaults.restart, ...definedOf(restart) },
    drainTimeout,
    ...(content.serviceAccount === undefined ? {} : { serviceAccount: content.serviceAccount }),
  };
}

/** Returns the fields that are defined. */
function definedOf<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}
