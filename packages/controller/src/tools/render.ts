import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type GetInfoResponse, RegistrationSchema } from '@kplug/protocol';
import { type Logger, pino } from 'pino';
import { minVersion } from 'semver';
import { PluginCaller } from '../clients/caller.ts';
import { Connections } from '../clients/connections.ts';
import { describeFailure } from '../clients/describe-failure.ts';
import { getInfo } from '../clients/get-info.ts';
import { type DelegationDeclaration, readDeclaration } from '../delegation/declaration.ts';
import { Delegation } from '../delegation/delegation.ts';
import { KplugError, messageOf } from '../errors.ts';
import { AwakeClock } from '../registry/clock.ts';
import { LeasePolicy } from '../registry/lease-policy.ts';
import { RegistrationReader } from '../registry/read-registration.ts';
import type { Registration } from '../registry/registration.ts';
import { Registry } from '../registry/registry.ts';
import type { Manifest } from '../resources/check-manifest.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import { keyOf, type Resource } from '../resources/resource.ts';
import { RecentEvents, type RecordedEvent } from '../telemetry/events.ts';

/** What `renderPass` works on. */
export interface RenderOptions {
  /** The plugin that is called, as `askPlugin` found it. */
  plugin: Registration;
  /** The resources: bases, and the extensions that they point to. */
  manifests: readonly Manifest[];
  /** What is delegated. Bases of other kinds are left alone. */
  delegations: readonly DelegationDeclaration[];
  /** Default: silent. */
  logger?: Logger;
}

/** A resource after the pass, and what happened to it, oldest first. */
export interface RenderedResource {
  resource: Resource;
  events: readonly RecordedEvent[];
}

/**
 * Asks the process at an address what plugin it is, as a heartbeat would have said it. Rejects with `PluginUnavailable` when
 * none answers, with `InvalidRegistration` when it says something that no controller accepts.
 *
 * @param timeout how long it has to answer, in milliseconds.
 */
export async function askPlugin(address: string, timeout = 5_000): Promise<Registration> {
  const info = await getPluginInfo(address, timeout);
  // Whoever names an address means it, so any is allowed.
  const reader = new RegistrationReader(new LeasePolicy(), { allowLoopback: true, allowLinkLocal: true });
  const { plugin, version, apis, instanceId } = info;
  const said = { plugin, version, apis, instanceId, address, labels: {}, $typeName: 'kplug.v1.Registration' } as const;
  return reader.read(said, 'localhost');
}

/** A plugin of the first Kplug's protocol, of which only this is known. */
export interface AssumedPlugin {
  /** `host:port`. */
  address: string;
  /** The name under which it would register. */
  name: string;
  /** What it is taken to implement: what these ask for. */
  delegations: readonly DelegationDeclaration[];
}

/**
 * What plugin of the first Kplug's protocol is at an address. In that protocol it can't be asked, so it is taken to implement
 * what is delegated. Rejects with `PluginUnavailable` when nobody listens there, with `InvalidConfiguration` for a delegation
 * that is malformed, and with `InvalidRegistration` for a name that no controller accepts.
 *
 * @param timeout how long connecting may take, in milliseconds.
 */
export async function assumePlugin(
  { address, name, delegations }: AssumedPlugin,
  timeout = 5_000,
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
 * Makes one pass over the bases among `manifests` as an operator would, with one plugin and no heartbeats. The resources are
 * held in memory and what becomes of them is returned: nothing is written. The plugin is really called, and does its work.
 *
 * Rejects with `InvalidConfiguration` or `InvalidManifest`. How the plugin fared is in the statuses.
 */
export async function renderPass(options: RenderOptions): Promise<RenderedResource[]> {
  const log = options.logger ?? pino({ level: 'silent' });
  const settings = options.delegations.map((one) => readDeclaration(one));
  const resources = new MemoryResources();
  for (const manifest of options.manifests) resources.apply(manifest);

  using clock = new AwakeClock();
  // Whoever names a plugin of the first Kplug's protocol means it.
  const registry = new Registry({ clock, allowInsecure: true });
  const connections = new Connections(registry);
  const events = new RecentEvents(log);
  const caller = new PluginCaller(connections);
  const delegations = settings.map(
    (one) => new Delegation(one, { resources, registry, caller, events, observer: unobserved, log }),
  );
  try {
    registry.register(options.plugin);
    await Promise.all(delegations.map((delegation) => delegation.start()));
    await Promise.all(delegations.map((delegation) => delegation.whenIdle()));
  } finally {
    await Promise.all(delegations.map((delegation) => delegation.stop()));
    connections.close();
    registry.close();
    await resources.close();
  }
  const rendered = resources.keys().flatMap((key) => resources.get(key) ?? []);
  return rendered.map((resource) => ({ resource, events: events.of(keyOf(resource)) }));
}

async function getPluginInfo(address: string, timeout: number): Promise<GetInfoResponse> {
  try {
    return await getInfo(address, { timeout });
  } catch (cause) {
    const message = `no plugin answers at ${address}: ${describeFailure(cause)}; start it, or name another address`;
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

const unobserved = { queued: () => undefined, worked: () => undefined, passed: () => undefined };
