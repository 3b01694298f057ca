import { randomUUID } from 'node:crypto';
import { limits } from './limits.ts';
import { PluginError } from './plugin-error.ts';
import { readBindAddress, readSecurity, readTokenFile, type Security } from './security/security-settings.ts';

/** Settings that depend on the deployment. Each one that is not given is read from its environment variable. */
export interface ServeOptions {
  /**
   * Protocol of the operator: `kplug.v1`, or `kplug` for an operator of the first Kplug, to which a plugin can return statuses only.
   * `KPLUG_PROTOCOL`, default `kplug.v1`.
   */
  protocol?: 'kplug.v1' | 'kplug';
  /**
   * Address of the controller's heartbeat service, as `host:port`; `none` for a plugin that sends no heartbeats, because the controller
   * finds it by its Service or address. `KPLUG_CONTROLLER`, default `localhost:50050`.
   */
  controller?: string;
  /**
   * Address at which the controller reaches the plugin, as `host:port`, or `:port` on the host that the heartbeats come from.
   * `KPLUG_ADDRESS`, default the port that the plugin listens on.
   */
  address?: string;
  /**
   * Address to listen on. `KPLUG_BIND_ADDRESS`. Default a free port, on the loopback interface if the controller is on it and on all
   * interfaces otherwise; `:7000` if the plugin sends no heartbeats. `:port` chooses the port only.
   */
  bindAddress?: string;
  /** Id of this process, different from that of any other. `KPLUG_INSTANCE_ID`, default a new UUID. */
  instanceId?: string;
  /** Token that proves the plugin's identity to the controller, which sets it as `KPLUG_TOKEN` for a plugin that it starts. Default none. */
  token?: string;
  /**
   * File with the token, which is read again when it changes. Not together with `token`. `KPLUG_TOKEN_FILE`, default
   * `/var/run/secrets/kplug/token` if that file exists.
   */
  tokenFile?: string;
  /**
   * File with the CA bundle (PEM) that verifies the controller, both as the receiver of heartbeats and as the caller of the plugin. It is
   * read again when it changes, and may appear later. Required for TLS. `KPLUG_TLS_CA`, default `/var/run/secrets/kplug/ca.crt` if its
   * folder exists.
   */
  tlsCa?: string;
  /**
   * File with the plugin's certificate and its intermediate ones (PEM), also presented to the controller. It is read again when it changes.
   * `KPLUG_TLS_CERT`, default a self-signed certificate that is made in memory, and that the plugin registers.
   */
  tlsCert?: string;
  /** File with the private key of `tlsCert` (PEM). `KPLUG_TLS_KEY`. */
  tlsKey?: string;
  /** Name that the controller's certificate must have. `KPLUG_TLS_SERVER_NAME`, default the host of `controller`. */
  tlsServerName?: string;
  /**
   * Plain text in both directions, so that heartbeats and calls are neither encrypted nor authenticated. Needed for plain text on any but
   * the loopback interface. Logged as a warning. `KPLUG_INSECURE`, `true` or `false`, default false.
   */
  insecure?: boolean;
  /** Weight of this instance when work is distributed, 0 to 1000. `KPLUG_WEIGHT`, default 100. */
  weight?: number;
  /** Labels for people and tools, at most 32. `KPLUG_LABELS` as `zone=a,tier=gold`, default none. */
  labels?: Record<string, string>;
  /** Pod that the plugin runs in, from the downward API. `KPLUG_POD_NAMESPACE` and `KPLUG_POD_NAME`, default none. */
  pod?: { namespace: string; name: string };
  /** Requested interval between heartbeats, in milliseconds. `KPLUG_HEARTBEAT_INTERVAL`, default the controller's. */
  interval?: number;
  /** Requested duration of the lease after a heartbeat, in milliseconds. `KPLUG_TTL`, default the controller's. */
  ttl?: number;
  /** Longest wait for in-flight calls when the plugin stops, in milliseconds. `KPLUG_DRAIN_TIMEOUT`, default 25000. */
  drainTimeout?: number;
  /** Largest request that is accepted, in bytes. `KPLUG_MAX_MESSAGE_SIZE`, default 4 MiB. */
  maxMessageSize?: number;
  /**
   * Largest answer that is sent, in bytes; a larger one fails the call. `KPLUG_MAX_ANSWER_SIZE`, default 4 MiB, which controllers accept
   * by default.
   */
  maxAnswerSize?: number;
  /** Log level: `debug`, `info`, `warn`, `error` or `silent`. `KPLUG_LOG_LEVEL`, default `info`. */
  logLevel?: string;
  /** Shut down on SIGTERM and SIGINT, and then exit with 0. Default true. */
  handleSignals?: boolean;
}

/** Options with all defaults filled in. */
export type Settings = Required<Omit<ServeOptions, WithoutDefault | SecurityOption>> &
  Pick<ServeOptions, WithoutDefault> & { security: Security };

/** Names of all options. Plugins in JavaScript have no compiler that would find a misspelt one. */
const optionNames: Record<keyof ServeOptions, true> = {
  protocol: true,
  controller: true,
  address: true,
  bindAddress: true,
  instanceId: true,
  token: true,
  tokenFile: true,
  tlsCa: true,
  tlsCert: true,
  tlsKey: true,
  tlsServerName: true,
  insecure: true,
  weight: true,
  labels: true,
  pod: true,
  interval: true,
  ttl: true,
  drainTimeout: true,
  maxMessageSize: true,
  maxAnswerSize: true,
  logLevel: true,
  handleSignals: true,
};

/** Options without a default. */
type WithoutDefault = 'interval' | 'ttl' | 'pod' | 'token' | 'tokenFile';

/** Options that `security` sums up. */
type SecurityOption = 'tlsCa' | 'tlsCert' | 'tlsKey' | 'tlsServerName' | 'insecure';

/** Fills in missing options from the environment, then from the defaults. Throws `InvalidDefinition`. */
export function readSettings(options: ServeOptions, env: NodeJS.ProcessEnv): Settings {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(optionNames, name));
  if (unknown) throw new PluginError('InvalidDefinition', `there is no option "${unknown}" to serve a plugin with`);
  const fromEnvironment = readEnvironment(env);
  // An option takes precedence over both variables of the token.
  if (options.token !== undefined || options.tokenFile !== undefined) {
    delete fromEnvironment.token;
    delete fromEnvironment.tokenFile;
  }
  const given = { protocol: 'kplug.v1' as const, controller: 'localhost:50050', ...fromEnvironment, ...options };
  const security = readSecurity(given);
  const tokenFile = readTokenFile(given);
  return {
    address: '',
    instanceId: randomUUID(),
    weight: limits.serving.weight,
    labels: {},
    drainTimeout: limits.serving.drainTimeout,
    maxMessageSize: limits.serving.maxMessageSize,
    maxAnswerSize: limits.serving.maxAnswerSize,
    logLevel: 'info',
    handleSignals: true,
    ...given,
    bindAddress: readBindAddress(given, security),
    ...(tokenFile && { tokenFile }),
    security,
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
    tokenFile: text('KPLUG_TOKEN_FILE'),
    tlsCa: text('KPLUG_TLS_CA'),
    tlsCert: text('KPLUG_TLS_CERT'),
    tlsKey: text('KPLUG_TLS_KEY'),
    tlsServerName: text('KPLUG_TLS_SERVER_NAME'),
    insecure: readBoolean('KPLUG_INSECURE', text('KPLUG_INSECURE')),
    weight: number('KPLUG_WEIGHT'),
    labels: readLabels(env.KPLUG_LABELS),
    pod: readPod(text('KPLUG_POD_NAMESPACE'), text('KPLUG_POD_NAME')),
    interval: number('KPLUG_HEARTBEAT_INTERVAL'),
    ttl: number('KPLUG_TTL'),
    drainTimeout: number('KPLUG_DRAIN_TIMEOUT'),
    maxMessageSize: number('KPLUG_MAX_MESSAGE_SIZE'),
    maxAnswerSize: number('KPLUG_MAX_ANSWER_SIZE'),
    logLevel: text('KPLUG_LOG_LEVEL'),
  });
}

/** Copies an object without the fields that are `undefined`. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function readProtocol(text: string | undefined): ServeOptions['protocol'] {
  if (text === undefined || text === 'kplug.v1' || text === 'kplug') return text;
  throw new PluginError('InvalidDefinition', `KPLUG_PROTOCOL is "${text}"; it must be kplug.v1 or kplug`);
}

function readNumber(variable: string, text: string | undefined): number | undefined {
  if (!text) return undefined;
  const value = Number(text);
  if (/^\s*\d/.test(text) && Number.isSafeInteger(value)) return value;
  throw new PluginError('InvalidDefinition', `${variable} is "${text}"; it must be a whole number`);
}

function readBoolean(variable: string, text: string | undefined): boolean | undefined {
  if (!text) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new PluginError('InvalidDefinition', `${variable} is "${text}"; it must be true or false`);
}

function readPod(namespace: string | undefined, name: string | undefined): ServeOptions['pod'] {
  if (namespace && name) return { namespace, name };
  if (!namespace && !name) return undefined;
  throw new PluginError('InvalidDefinition', 'set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither');
}

function readLabels(text: string | undefined): Record<string, string> | undefined {
  if (!text) return undefined;
  const labels: [string, string][] = [];
  for (const pair of text.split(',').filter((part) => part.trim())) {
    const at = pair.indexOf('=');
    if (at < 1) throw new PluginError('InvalidDefinition', `KPLUG_LABELS has "${pair}"; write name=value,name=value`);
    labels.push([pair.slice(0, at).trim(), pair.slice(at + 1).trim()]);
  }
  return Object.fromEntries(labels);
}
