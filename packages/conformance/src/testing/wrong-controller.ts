import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { keyOf, type Resource } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import {
  addService,
  HeartbeatResponseSchema,
  InstanceState,
  type Registration,
  RegistryService,
  v0,
} from '@kplug/protocol';
import type { TestAuthority } from '../plugin/credentials.ts';
import type { KnownInstance } from './known-instance.ts';
import { WrongCapabilities } from './wrong-capabilities.ts';
import { type Answered, DelegatedCaller } from './wrong-controller-calls.ts';

/** TTL of all leases, in milliseconds. */
const maxTtl = 1_500;

/** A resource and its state. */
interface FollowedResource {
  resource: Resource;
  text: string;
  /** Time of the next call; `undefined` for none until it changes. */
  due: number | undefined;
  calls: number;
  /** Instance that reconciled it. */
  reconciledBy: KnownInstance | undefined;
  isRemoved: boolean;
  /** True if the last answer holds for a time. */
  isValid?: boolean;
}

/**
 * A minimal controller on a directory that violates only the requirement that it is given. Its leases are short, so that tests of
 * their expiry are fast.
 */
export class WrongController implements AsyncDisposable {
  readonly #wrong: string;
  readonly #folder: string;
  readonly #authority: TestAuthority | undefined;
  readonly #server = new grpc.Server();
  readonly #instances = new Map<string, KnownInstance>();
  readonly #followed = new Map<string, FollowedResource>();
  readonly #caller: DelegatedCaller;
  readonly #capabilities: WrongCapabilities;
  #loop: Promise<void> | undefined;
  #isStopped = false;
  address = '';

  /** @param authority CA, for a controller with TLS. Default: plain text. */
  constructor(wrong: string, folder: string, authority?: TestAuthority) {
    this.#wrong = wrong;
    this.#folder = folder;
    this.#authority = authority;
    this.#caller = new DelegatedCaller(wrong, authority);
    this.#capabilities = new WrongCapabilities(wrong);
    addService(this.#server, RegistryService, {
      heartbeat: ({ registration }, call) => this.#answer(registration, call.getPeer()),
      deregister: ({ instanceId }) => {
        this.#instances.delete(instanceId);
        return {};
      },
      listPlugins: () => ({ instances: this.#list() }),
    });
    addService(this.#server, v0.Controller, { pluginHeartbeat: (information) => this.#answerV0(information) });
  }

  async start(): Promise<void> {
    const credentials = this.#authority?.serverCredentials ?? grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    this.address = `${this.#authority ? 'localhost' : '127.0.0.1'}:${port}`;
    this.#loop = this.#follow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
    this.#caller.close();
    this.#server.forceShutdown();
  }

  #answer(registration: Registration | undefined, peer: string) {
    const {
      instanceId = '',
      address = '',
      version = '',
      apis = [],
      certificate = new Uint8Array(),
    } = registration ?? {};
    const host = peer.slice(0, peer.lastIndexOf(':'));
    const at = address.startsWith(':') ? `${host}${address}` : address;
    const { name: api = '', provides = [] } = apis[0] ?? {};
    this.#instances.set(instanceId, {
      ...{ instanceId, address: at, version, api, provides, certificate },
      ...{ protocol: 'kplug.v1', heartbeatAt: Date.now() },
    });
    const lease = { interval: durationFromMs(750), ttl: durationFromMs(maxTtl) };
    return create(HeartbeatResponseSchema, { answer: { case: 'lease', value: lease } });
  }

  #answerV0({ address, name, version, api }: v0.PluginInformation) {
    const isValid = /^[^:]+:\d+$/.test(address) && /^\w+$/.test(name) && api !== '';
    if (!isValid && this.#wrong === 'C19 error') throw new Error('malformed');
    if (!isValid && this.#wrong !== 'C19') {
      return { accepted: false, notAcceptedReason: this.#wrong === 'C19 silent' ? '' : 'malformed' };
    }
    const [, major = '0', minor = '0', patch = '0', stage = ''] =
      /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(alpha\d+)?$/.exec(version) ?? [];
    const semantic = `${major}.${minor}.${patch}${stage.replace('alpha', '-alpha.')}`;
    const read = this.#wrong === 'C21' ? version : semantic;
    const instanceId = `${name}@${address}`;
    this.#instances.set(instanceId, {
      ...{ instanceId, address, version: read, api, provides: [], certificate: new Uint8Array() },
      ...{ protocol: 'kplug', heartbeatAt: Date.now() },
    });
    return { accepted: true };
  }

  #list() {
    const ttl = this.#wrong === 'C20' ? maxTtl / 3 : maxTtl;
    return [...this.#instances.values()].map(({ instanceId, address, version, api, protocol, heartbeatAt }) => ({
      registration: { instanceId, address, version, apis: [{ name: api, version }] },
      state: Date.now() - heartbeatAt < ttl ? InstanceState.LIVE : InstanceState.SUSPECT,
      protocol,
    }));
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      await this.#scan();
      await delay(30);
    }
  }

  async #scan(): Promise<void> {
    const files = (await readdir(this.#folder)).filter((name) => name.endsWith('.yaml'));
    for (const name of files) {
      const text = await readFile(join(this.#folder, name), 'utf8').catch(() => undefined);
      if (text !== undefined && text !== this.#followed.get(name)?.text) this.#apply(name, text);
    }
    for (const [name, one] of this.#followed) {
      if (!files.includes(name) && !one.isRemoved) {
        one.isRemoved = true;
        one.due = Date.now();
      }
      const isFree = one.calls === 0 || (this.#wrong === 'C9' && one.text !== '');
      if (one.resource.kind === 'Greeting' && isFree && (one.due ?? Number.POSITIVE_INFINITY) <= Date.now()) {
        one.due = undefined;
        void this.#pass(name, one);
      }
    }
  }

  #apply(file: string, text: string): void {
    const manifest = JSON.parse(text) as Manifest;
    const before = this.#followed.get(file);
    const known = before?.resource.metadata;
    const metadata = {
      namespace: 'default',
      uid: known?.uid ?? randomUUID(),
      creationTimestamp: '2026-01-01T00:00:00Z',
      resourceVersion: String(Number(known?.resourceVersion ?? 0) + 1),
      ...manifest.metadata,
      generation: (known?.generation ?? 0) + 1,
    };
    if (before?.isValid && this.#wrong === 'C43 change') return void Object.assign(before, { text });
    const status = before?.resource.status;
    const resource = { ...manifest, metadata, ...(status && { status }) };
    const started = { calls: 0, reconciledBy: undefined, isRemoved: false };
    this.#followed.set(file, Object.assign(before ?? { ...started, due: 0 }, { resource, text, due: Date.now() }));
  }

  async #pass(file: string, one: FollowedResource): Promise<void> {
    const { plugin, capability } = this.#choose(one);
    if (!plugin) return one.isRemoved ? void this.#followed.delete(file) : this.#wait(one);
    one.calls++;
    const { generation } = one.resource.metadata;
    const extensions = one.isRemoved || this.#wrong === 'C11' ? [] : this.#extensionsOf(one.resource);
    const answered = await this.#caller.call(plugin, { base: one.resource, extensions, capability }, one.isRemoved);
    one.calls--;
    if (answered === 'unreachable') return this.#retry(one);
    if (one.isRemoved && answered.isDone) return void this.#followed.delete(file);
    one.reconciledBy = plugin;
    if (answered.isDone) this.#capabilities.succeeded(one.resource, capability);
    if (one.resource.metadata.generation !== generation && this.#wrong !== 'C13') return;
    this.#report(one, extensions, answered);
    if (!answered.isDone) this.#retry(one, answered.after);
    else if (answered.after !== undefined && !(answered.isValid && this.#wrong === 'C43'))
      one.due = Date.now() + answered.after;
    one.isValid = answered.isValid === true;
  }

  #choose(one: FollowedResource): ReturnType<WrongCapabilities['choose']> {
    const instances = [...this.#instances.values()].filter(({ api }) => api === 'Greeting');
    const chosen = this.#capabilities.choose(one.resource, instances);
    return one.isRemoved ? { ...chosen, plugin: one.reconciledBy } : chosen;
  }

  /** Waits for a plugin. */
  #wait(one: FollowedResource): void {
    const { version } = (one.resource.spec ?? {}) as { version?: string };
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'CapabilityUnavailable',
      message: `no version ${version}`,
    };
    if (this.#wrong !== 'C49 silent') this.#write(one, { conditions: [condition] });
    this.#retry(one);
  }

  #retry(one: FollowedResource, after = 100): void {
    one.due = Date.now() + after;
  }

  #extensionsOf({ spec }: Resource): Resource[] {
    const references = (spec as { extensions?: { kind: string; name: string }[] }).extensions ?? [];
    const all = [...this.#followed.values()].map(({ resource }) => resource);
    return references.flatMap(({ kind, name }) => {
      return all.filter((resource) => resource.kind === kind && resource.metadata.name === name);
    });
  }

  #report(one: FollowedResource, extensions: readonly Resource[], answered: Answered): void {
    const { generation: observedGeneration } = one.resource.metadata;
    const status = answered.isDone && !answered.unready ? 'True' : 'False';
    const ready = { type: 'Ready', status, reason: answered.unready ?? 'Called', message: answered.why };
    const silent = this.#wrong === 'C12 silent' ? { message: '' } : {};
    const reported = {
      plugin: { name: 'Conformance' },
      conditions: [
        {
          type: 'PluginSelected',
          status: 'True',
          reason: 'Only',
          message: 'it is the only plugin',
          observedGeneration,
        },
        { ...ready, ...silent },
      ],
    };
    const own =
      {
        C16: { conditions: reported.conditions },
        'C16 why': { ...reported, conditions: reported.conditions.slice(1) },
      }[this.#wrong] ?? reported;
    this.#write(one, { ...answered.base(one.resource.status ?? {}), ...own });
    const all = [...this.#followed.values()].filter(({ resource }) => resource.kind !== 'Greeting');
    for (const other of this.#wrong === 'C14' ? all : all.filter(({ resource }) => extensions.includes(resource))) {
      const change = answered.extensions.get(keyOf(other.resource));
      if (change) this.#write(other, change(other.resource.status ?? {}));
    }
    if (this.#wrong === 'C15 loop' && !one.isRemoved && one.due === undefined) one.due = Date.now() + 50;
  }

  #write(one: FollowedResource, status: object): void {
    if (JSON.stringify(status) === JSON.stringify(one.resource.status) && this.#wrong !== 'C15 write') return;
    const { metadata } = one.resource;
    const resourceVersion = String(Number(metadata.resourceVersion) + 1);
    one.resource = { ...one.resource, status: status as never, metadata: { ...metadata, resourceVersion } };
  }
}
