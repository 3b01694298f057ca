import type { DescService } from '@bufbuild/protobuf';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import { type AdmissionRule, admissionOf, type PluginSource } from '../selection/admission.ts';
import { explainSelection } from '../selection/explain.ts';
import { parsePattern, parseRange } from '../selection/preference.ts';
import { type SelectionRules, select } from '../selection/select.ts';
import type { PluginCaller } from './caller.ts';
import { callMethod, type MethodInput, type MethodOutput, type UnaryMethod } from './plugin-api.ts';

/** Plugin API of an operator's own: a service that its plugins serve in addition to the protocol's, or instead of it. */
export interface OwnApi<S extends DescService> {
  /** Plugin API with the accepted range of versions, such as `Foo@^1.0.0`. Without a range: any version. */
  api: string;
  /** Service, as generated from its `.proto` file by protobuf-es. */
  service: S;
  /** Choice when the preferred plugin isn't available: `any` (default), `none`, or the first available one of a list. */
  fallback?: 'any' | 'none' | readonly string[];
  /** Capabilities that a plugin must have, with their values. Default: none. */
  capabilities?: Readonly<Record<string, string>>;
  /** Plugins that may serve the API, by the identity that they prove. Default: as for a delegation without `plugins.from`. */
  from?: readonly PluginSource[];
}

/** Parts of a controller that calls of own APIs use. */
export interface ApiCallParts {
  registry: Registry;
  caller: PluginCaller;
  /** Admission for APIs without `from`. */
  defaultAdmission: AdmissionRule;
}

/** Options of a call. */
export interface ApiCallOptions {
  /** Preferred plugin, as `Name` or `Name@range`. Default: none. */
  prefer?: string;
  /** Time that the plugin has to answer, in milliseconds. Default 10,000. */
  timeout?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/** Answer of a plugin. */
export interface ApiAnswer<O> {
  /** Output of the method. */
  output: O;
  /** Name of the plugin that was called. */
  plugin: string;
  /** Version of that plugin. */
  version: string;
  /** Sentence that explains why the plugin was chosen. */
  why: string;
}

/**
 * Calls a method of an API of an operator's own at the best plugin, over its long-lived connection. If that one is unreachable,
 * the next best one is called.
 *
 * Rejects with `PluginUnavailable` when there is none, with `PluginFailed`, `DeadlineExceeded` or `InvalidResponse` when the call
 * failed, with `InvalidConfiguration` for a malformed API or preference, and with the reason of the signal.
 */
export async function callApi<S extends DescService, K extends UnaryMethod<S>>(
  { registry, caller, defaultAdmission }: ApiCallParts,
  declared: OwnApi<S>,
  method: K,
  input: MethodInput<S, K>,
  { prefer, timeout = limits.calls.apiTimeout, signal }: ApiCallOptions = {},
): Promise<ApiAnswer<MethodOutput<S, K>>> {
  const { name, rules } = readApi(declared, defaultAdmission);
  const request = { preference: prefer === undefined ? undefined : parsePattern(prefer), present: [] };
  const deadline = Date.now() + timeout;
  const options = { deadline, ...(signal && { signal }) };
  for (;;) {
    signal?.throwIfAborted();
    const selection = select(registry.implementations(name), rules, request);
    const why = explainSelection(selection, rules, request);
    const [implementation] = selection.chosen;
    if (!implementation) throw new KplugError('PluginUnavailable', `no plugin serves ${declared.api}: ${why}`);
    const { plugin, version } = implementation;
    const make = () =>
      caller.call(implementation, method, (client) => callMethod(client, declared.service, method, input, options));
    const output = await passUnavailable(make, signal);
    if (output !== undefined) return { output, plugin: plugin.text, version, why };
    // The registry now knows that it is unreachable: choose again.
  }
}

/** Plugins that serve an API of an operator's own now. */
export function implementationsOf<S extends DescService>(
  { registry, defaultAdmission }: Omit<ApiCallParts, 'caller'>,
  declared: OwnApi<S>,
): Implementation[] {
  const { name, rules } = readApi(declared, defaultAdmission);
  const every = { ...rules, mode: 'all', fallback: 'any' } as const;
  return [...select(registry.implementations(name), every, { preference: undefined, present: [] }).chosen];
}

function readApi<S extends DescService>(
  { api, fallback = 'any', capabilities = {}, from }: OwnApi<S>,
  defaultAdmission: AdmissionRule,
): { name: string; rules: SelectionRules } {
  const { name = '', range = '*' } = /^(?<name>[^@]+)(@(?<range>.*))?$/.exec(api)?.groups ?? {};
  if (!name)
    throw new KplugError('InvalidConfiguration', `the API "${api}" is malformed; write one such as Foo@^1.0.0`);
  const rules = {
    apiRange: parseRange(range, api),
    admission: from ? admissionOf(from) : defaultAdmission,
    capabilities,
    fallback: typeof fallback === 'string' ? fallback : fallback.map(parsePattern),
    mode: 'one',
  } as const;
  return { name, rules };
}

async function passUnavailable<T>(make: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof KplugError && error.code === 'PluginUnavailable') return undefined;
    throw error;
  }
}
