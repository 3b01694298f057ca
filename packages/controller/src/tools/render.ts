// tools/: functions that only tools use: asking a plugin, rendering a pass, comparing one with a cluster, deriving a delegation.

import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type GetInfoResponse, RegistrationSchema } from '@kplug/protocol';
import { type Logger, pino } from 'pino';
import { minVersion } from 'semver';
import { PluginChannels, type PluginSecurity } from '../certificates/plugin-channels.ts';
import { PluginCaller } from '../clients/caller.ts';
import { Connections } from '../clients/connections.ts';
import { describeFailure } from '../clients/describe-failure.ts';
import { getInfoOver } from '../clients/get-info.ts';
import { grpcTransport } from '../clients/plugin-transport.ts';
import type { DelegationDeclaration } from '../delegation/declaration.ts';
import { Delegation } from '../delegation/delegation.ts';
import { readDeclaration } from '../delegation/delegation-settings.ts';
import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { AwakeClock } from '../registry/clock.ts';
import { LeasePolicy } from '../registry/lease-policy.ts';
import { RegistrationReader } from '../registry/read-registration.ts';
import type { Registration } from '../registry/registration.ts';
import { Registry } from '../registry/registry.ts';
import type { Manifest } from '../resources/check-manifest.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import type { Resources } from '../resources/port.ts';
import { keyOf, type Resource } from '../resources/resource.ts';
import { RecentEvents, type RecordedEvent } from '../telemetry/events.ts';
import { applyToObserved, type Observed } from './observed.ts';

/** Options of `renderPass`. */
export interface RenderOptions {
  /** Plugin to call, as returned by `askPlugin` or `assumePlugin`. */
  plugin: Registration;
  /** Bases, and the extensions that they reference. */
  manifests: readonly Manifest[];
  /** Resources as they exist. Default: none exist, so that the pass is the first one. */
  observed?: readonly Observed[];
  /** Delegations. Resources of other kinds are not reconciled. */
  delegations: readonly DelegationDeclaration[];
  /** Decides how the plugin is called. Default: in plain text. */
  security?: PluginSecurity;
  /** Default: a silent logger. */
  logger?: Logger;
}

/** A resource after the pass, with its Events, oldest first. */
export interface RenderedResource {
  resource: Resource;
  events: readonly RecordedEvent[];
}

/**
 * Asks the plugin at an address for its registration. Rejects with `PluginUnavailable` when none answers, with
 * `InvalidRegistration` when no controller would accept it.
 *
 * @param timeout deadline of the answer, in milliseconds.
 * @param security decision on how the plugin is called. Default: in plain text.
 */
export async function askPlugin(
  address: string,
  timeout = limits.calls.infoTimeout,
  security?: PluginSecurity,
): Promise<Registration> {
  const info = await getPluginInfo(address, timeout, security);
  // Whoever names an address means it, so any is allowed.
  const reader = new RegistrationReader(new LeasePolicy(), { allowLoopback: true, allowLinkLocal: true });
  const { plugin, version, apis, instanceId } = info;
  const message = create(RegistrationSchema, { plugin, version, apis, instanceId, address });
  return reader.read(message, 'localhost');
}

/** A plugin of the first Kplug's protocol, which can't be asked for its registration. */
export interface AssumedPlugin {
  /** Address of the plugin, as `host:port`. */
  address: string;
  /** Name of the plugin. */
  name: string;
  /** Delegations whose APIs it is assumed to implement. */
  delegations: readonly DelegationDeclaration[];
}

/**
 * Returns an assumed registration of a plugin of the first Kplug's protocol: it implements the delegated APIs. Rejects with
 * `PluginUnavailable` when nothing listens at the address, with `InvalidConfiguration` for a malformed delegation, and with
 * `InvalidRegistration` for a name that no controller would accept.
 *
 * @param timeout deadline of the connection, in milliseconds.
 */
export async function assumePlugin(
  { address, name, delegations }: AssumedPlugin,
  timeout = limits.calls.infoTimeout,
): Promise<Registration> {
  const apis = delegations
    .map((one) => readDeclaration(one))
    .map(({ api, rules }) => {
      return { name: api, version: minVersion(rules.apiRange)?.version ?? '0.0.0' };
    });
  const reader = new RegistrationReader(new LeasePolicy(), { allowLoopback: true, allowLinkLocal: true });
  const said = { plugin: name, version: '0.0.0', apis, instanceId: `${name}@${address}`, address };
  const registration = reader.read(create(RegistrationSchema, said), 'localhost');
  await connect(address, timeout);
  return { ...registration, protocol: 'kplug' };
}

/**
 * Runs one pass over the bases among `manifests` as an operator would, with one plugin and no heartbeats. The resources are held
 * in memory and returned; nothing is written. The plugin is called, with all its side effects.
 *
 * Rejects with `InvalidConfiguration` or `InvalidManifest`. Failures of the plugin are in the returned statuses.
 */
export async function renderPass({ manifests, observed, ...options }: RenderOptions): Promise<RenderedResource[]> {
  const settings = options.delegations.map((one) => readDeclaration(one));
  const resources = new MemoryResources();
  await applyToObserved(resources, { manifests, observed, plugin: options.plugin.plugin }, settings);
  const events = await runPass({ ...options, resources });
  await resources.close();
  const rendered = resources.keys().flatMap((key) => resources.get(key) ?? []);
  return rendered.map((resource) => ({ resource, events: events.of(keyOf(resource)) }));
}

/** Options of `runPass`. */
export interface PassOptions extends Omit<RenderOptions, 'observed'> {
  resources: Resources;
}

/**
 * Runs one pass over all bases among resources, with one plugin and no heartbeats, and returns the Events. Rejects with
 * `InvalidConfiguration`. The resources stay open.
 */
export async function runPass({
  resources,
  plugin,
  delegations: declarations,
  security,
  logger: log = pino({ level: 'silent' }),
}: Omit<PassOptions, 'manifests'>): Promise<RecentEvents> {
  const settings = declarations.map((one) => readDeclaration(one));
  using clock = new AwakeClock();
  // The user named the plugin, so its insecure protocol is allowed.
  const registry = new Registry({ clock, allowInsecure: true });
  const connections = new Connections(registry, {}, grpcTransport, security);
  const events = new RecentEvents(log);
  const caller = new PluginCaller(connections);
  const delegations = settings.map(
    (one) => new Delegation(one, { resources, registry, caller, events, observer: unobserved, log }),
  );
  try {
    registry.register(plugin);
    await Promise.all(delegations.map((delegation) => delegation.start()));
    await Promise.all(delegations.map((delegation) => delegation.whenIdle()));
  } finally {
    await Promise.all(delegations.map((delegation) => delegation.stop()));
    connections.close();
    registry.close();
  }
  return events;
}

async function getPluginInfo(
  address: string,
  timeout: number,
  security: PluginSecurity = new PluginChannels(),
): Promise<GetInfoResponse> {
  const channel = security.channelTo({ address });
  try {
    return await getInfoOver(channel, address, { timeout });
  } catch (cause) {
    const reason = channel.explain(describeFailure(cause));
    const message = `no plugin answers at ${address}: ${reason}; start it, or name another address`;
    throw new KplugError('PluginUnavailable', message, { cause });
  }
}

async function connect(address: string, timeout: number): Promise<void> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + timeout, (error) => (error ? reject(error) : resolve()));
    });
  } catch (cause) {
    const message = `no plugin answers at ${address}: ${messageOf(cause)}; start it, or name another address`;
    throw new KplugError('PluginUnavailable', message, { cause });
  } finally {
    client.close();
  }
}

const unobserved = {
  queued: () => undefined,
  worked: () => undefined,
  passed: () => undefined,
  failed: () => undefined,
  answerFailed: () => undefined,
  writeFailed: () => undefined,
};
