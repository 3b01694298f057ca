import { randomUUID } from 'node:crypto';
import { PluginError } from './plugin-error.ts';

/** What deployment decides of a plugin. Each is taken from the environment unless it is given. */
export interface ServeOptions {
  /**
   * What the operator speaks: `kplug.v1`, or `kplug` for that of the first Kplug, which is plain text and knows of nothing but
   * statuses. `KPLUG_PROTOCOL`, default `kplug.v1`.
   */
  protocol?: 'kplug.v1' | 'kplug';
  /**
   * Where the controller's heartbeat service is, as `host:port`; `none` for a plugin that is found by its Service or address, and
   * doesn't beat. `KPLUG_CONTROLLER`, default `localhost:50050`.
   */
  controller?: string;
  /** The address that the controller reaches the plugin at. `KPLUG_ADDRESS`, default: the port listened on, at the address beats come from. */
  address?: string;
  /**
   * Where to listen. `KPLUG_BIND_ADDRESS`, default any free port, on loopback only if the controller is there; `:7000` if the plugin
   * doesn't beat.
   */
  bindAddress?: string;
  /** What tells this process from every other. `KPLUG_INSTANCE_ID`, default a new UUID. */
  instanceId?: string;
  /** What proves to a controller that this is the process it started. `KPLUG_TOKEN`, which it sets; default none. */
  token?: string;
  /** How much of the work this plugin should get, 0 to 1000. `KPLUG_WEIGHT`, default 100. */
  weight?: number;
  /** Labels for people and tools. `KPLUG_LABELS` as `zone=a,tier=gold`. */
  labels?: Record<string, string>;
  /** The pod that the plugin runs in, by the downward API. `KPLUG_POD_NAMESPACE` and `KPLUG_POD_NAME`, default none. */
  pod?: { namespace: string; name: string };
  /** How often to beat, in milliseconds. `KPLUG_HEARTBEAT_INTERVAL`, default what the controller says. */
  interval?: number;
  /** How long to be believed without a beat, in milliseconds. `KPLUG_TTL`, default what the controller says. */
  ttl?: number;
  /** How long calls under way may take to end when the plugin stops, in milliseconds. `KPLUG_DRAIN_TIMEOUT`, default 25000. */
  drainTimeout?: number;
  /** The largest request that is taken, in bytes. `KPLUG_MAX_MESSAGE_SIZE`, default 4 MiB. */
  maxMessageSize?: number;
  /** `KPLUG_LOG_LEVEL`: `debug`, `info`, `warn`, `error` or `silent`. Default `info`. */
  logLevel?: string;
  /** Stop on SIGTERM and SIGINT, and then exit with 0. Default true. */
  handleSignals?: boolean;
}

/** Options with every default filled in. */
export type Settings = Required<Omit<ServeOptions, Unsettled>> & Pick<ServeOptions, Unsettled>;

/** What has no default of its own. */
type Unsettled = 'interval' | 'ttl' | 'pod' | 'token';

/** Fills in what isn't given from the environment, then from the defaults. Throws `InvalidDefinition`. */
export function readSettings(options: ServeOptions, env: NodeJS.ProcessEnv): Settings {
  const given = { ...readEnvironment(env), ...options };
  const controller = given.controller ?? 'localhost:50050';
  return {
    protocol: 'kplug.v1',
    controller,
    address: '',
    bindAddress: bindAddressFor(controller),
    instanceId: randomUUID(),
    weight: 100,
    labels: {},
    drainTimeout: 25_000,
    maxMessageSize: 4 * 1024 * 1024,
    logLevel: 'info',
    handleSignals: true,
    ...given,
  };
}

function readEnvironment(env: NodeJS.ProcessEnv): ServeOptions {
  const text = (variable: string) => env[variable] || undefined;
  const number = (variable: string) => readNumber(variable, env[variable]);
  return withoutUndefined({
    protocol: readProtocol(text('KPLUG_PROTOCOL')),
    controller: text('KPLUG_CONTROLLER'),
    address: text('KPLUG_ADDRESS'),
    bindAddress: text('KPLUG_BIND_ADDRESS'),
    instanceId: text('KPLUG_INSTANCE_ID'),
    token: text('KPLUG_TOKEN'),
    weight: number('KPLUG_WEIGHT'),
    labels: readLabels(env.KPLUG_LABELS),
    pod: readPod(text('KPLUG_POD_NAMESPACE'), text('KPLUG_POD_NAME')),
    interval: number('KPLUG_HEARTBEAT_INTERVAL'),
    ttl: number('KPLUG_TTL'),
    drainTimeout: number('KPLUG_DRAIN_TIMEOUT'),
    maxMessageSize: number('KPLUG_MAX_MESSAGE_SIZE'),
    logLevel: text('KPLUG_LOG_LEVEL'),
  });
}

/** The same without the fields that are `undefined`. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** What `controller` is for a plugin that doesn't beat. */
export const noController = 'none';

function bindAddressFor(controller: string): string {
  if (controller === noController) return '[::]:7000';
  return isLoopback(controller) ? '127.0.0.1:0' : '[::]:0';
}

function isLoopback(address: string): boolean {
  return /^(localhost|127\.[0-9.]+|\[::1\]):\d+$/.test(address);
}

function readProtocol(text: string | undefined): ServeOptions['protocol'] {
  if (text === undefined || text === 'kplug.v1' || text === 'kplug') return text;
  throw new PluginError('InvalidDefinition', `KPLUG_PROTOCOL is "${text}"; it must be kplug.v1 or kplug`);
}

function readNumber(variable: string, text: string | undefined): number | undefined {
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new PluginError('InvalidDefinition', `${variable} is "${text}"; it must be a whole number`);
}

function readPod(namespace: string | undefined, name: string | undefined): ServeOptions['pod'] {
  if (namespace && name) return { namespace, name };
  if (!namespace && !name) return undefined;
  throw new PluginError('InvalidDefinition', 'KPLUG_POD_NAMESPACE and KPLUG_POD_NAME must be given both, or neither');
}

function readLabels(text: string | undefined): Record<string, string> | undefined {
  if (!text) return undefined;
  const labels: Record<string, string> = {};
  for (const pair of text.split(',').filter((part) => part.trim())) {
    const at = pair.indexOf('=');
    if (at < 1) throw new PluginError('InvalidDefinition', `KPLUG_LABELS has "${pair}"; write name=value,name=value`);
    labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return labels;
}
