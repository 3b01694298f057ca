import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { keyOf, type Resource } from '@kplug/controller';
import {
  createGrpcClient,
  formatJson,
  type GrpcClient,
  isServiceError,
  messageOf,
  type OperationSchema,
  Outcome,
  PluginService,
  type Progress,
  parseJson,
  type ReconcileResponse,
  type ResourceRequirement,
  v0,
} from '@kplug/protocol';
import { parse, stringify } from 'yaml';
import { pinned, type TestAuthority, withoutName } from '../plugin/credentials.ts';
import type { KnownInstance } from './known-instance.ts';
import type { Assigned } from './wrong-capabilities.ts';
import { WrongDependents } from './wrong-dependents.ts';

type Change = (status: object) => object;

/** Result of a call: changes of statuses, and whether a retry is needed. */
export interface Answered {
  isDone: boolean;
  /** Delay before the next call, in milliseconds. */
  after?: number | undefined;
  /** Reason why the dependents are not ready. */
  unready?: string;
  /** True if the answer holds for a time. */
  isValid?: boolean;
  why: string;
  base: Change;
  extensions: Map<string, Change>;
}

/** Input of a call. */
export interface CallInput {
  base: Resource;
  extensions: readonly Resource[];
  capability: Assigned | undefined;
}

const same: Change = (status) => status;
/** Deadline of each call, in milliseconds. */
const callTimeout = 1_500;

/** Largest request on a Work stream, in bytes. */
const maxWorkSize = 256 * 1024;

/** Makes the calls of a wrong controller. */
export class DelegatedCaller {
  readonly #wrong: string;
  readonly #authority: TestAuthority | undefined;
  readonly #clients = new Map<string, { v1: GrpcClient<typeof PluginService>; servesWork: boolean }>();
  readonly #created = new Set<string>();
  /** Names of what plugins require, by the uid of the base. */
  readonly #required = new Map<string, readonly string[]>();
  readonly #dependents: WrongDependents;
  readonly #operations = new Map<string, { progress: Progress; generation: number }>();

  /** @param authority CA whose certificate for calls it presents. Default: it calls in plain text. */
  constructor(wrong: string, authority?: TestAuthority) {
    this.#wrong = wrong;
    this.#authority = authority;
    this.#dependents = new WrongDependents(wrong);
  }

  close(): void {
    for (const { v1 } of this.#clients.values()) v1.$client.close();
  }

  async call(plugin: KnownInstance, input: CallInput, isFinalizing: boolean): Promise<Answered | 'unreachable'> {
    try {
      if (plugin.protocol === 'kplug') return await this.#callV0(plugin, input.base, input.extensions, isFinalizing);
      return await this.#callV1(plugin, input, isFinalizing);
    } catch (error) {
      if (isServiceError(error) && error.code === grpc.status.UNAVAILABLE) return 'unreachable';
      return failed(messageOf(error));
    }
  }

  async #callV1(
    plugin: KnownInstance,
    { base, extensions, capability }: CallInput,
    isFinalizing: boolean,
  ): Promise<Answered | 'unreachable'> {
    const known = await this.#clientOf(plugin);
    if (!known) return 'unreachable';
    const operation = this.#operationFor(base);
    const deadline = Date.now() + callTimeout;
    const { uid } = base.metadata;
    const request = {
      required: this.#requiredFor(uid),
      base: { json: encode(base) },
      extensions: Object.fromEntries(extensions.map((one) => [keyOf(one), { json: encode(one) }])),
      dependents: this.#dependents.of(base),
      assignment: { ...(capability && { capability }) },
      ...(operation && this.#wrong !== 'C44' && { operation }),
      context: {
        attempt: 1,
        supportsRequirements: true,
        ...(this.#wrong !== 'C10' && { deadline: timestampFromMs(deadline) }),
      },
    };
    const options = this.#wrong === 'C10 call' ? {} : { deadline };
    if (isFinalizing) {
      const { outcome } = await known.v1.finalize(request, options);
      return outcome === Outcome.SUCCESS ? { ...failed(''), isDone: true } : failed('it is not finalized');
    }
    const byWork = this.#usesWork(known.servesWork, request.base.json)
      ? await this.#work(known.v1, request)
      : undefined;
    const answer = byWork ?? (await known.v1.reconcile(request, options));
    const names = Object.keys(answer.requirements);
    if (names.some((name) => !this.#permits(answer.requirements[name]))) return failed('a kind that is not permitted');
    const isStable =
      names.every((name) => name in request.required) && names.length === this.#requiredNames(uid).length;
    this.#required.set(uid, names);
    if (!isStable) return this.#callV1(plugin, { base, extensions, capability }, isFinalizing);
    // It brings them within a pass only.
    if (this.#wrong === 'C45 later') this.#required.delete(uid);
    this.#keepOperation(base, answer);
    return this.#apply(answer, base, extensions);
  }

  #apply(answer: ReconcileResponse, base: Resource, extensions: readonly Resource[]): Answered {
    const taken = this.#take(answer, extensions.map(keyOf));
    if (taken.why !== '') return taken;
    const unready = this.#dependents.apply(base, answer.dependents);
    return unready ? { ...taken, why: unready.message, unready: unready.reason } : taken;
  }

  #requiredNames(uid: string): readonly string[] {
    return this.#required.get(uid) ?? [];
  }

  /** Returns what a call brings. It follows no further resources, so that all are missing. */
  #requiredFor(uid: string): Record<string, { items: { json: Uint8Array }[] }> {
    const items = this.#wrong === 'C45 invented' ? [{ json: Buffer.from('{"metadata":{"name":"other"}}') }] : [];
    return Object.fromEntries(this.#requiredNames(uid).map((name) => [name, { items }]));
  }

  #permits(requirement: ResourceRequirement | undefined): boolean {
    return requirement?.kind === 'ConfigMap' || this.#wrong === 'C45';
  }

  #operationFor({ metadata: { uid, generation } }: Resource): MessageInitShape<typeof OperationSchema> | undefined {
    const known = this.#operations.get(uid);
    if (!known) return undefined;
    const cancelled = known.generation !== generation && this.#wrong !== 'C44 cancelled';
    return { progress: known.progress, generation: BigInt(known.generation), cancelled };
  }

  #keepOperation({ metadata: { uid, generation } }: Resource, { progress }: ReconcileResponse): void {
    if (progress) this.#operations.set(uid, { progress, generation });
    else if (this.#wrong !== 'C44 kept') this.#operations.delete(uid);
  }

  #usesWork(isServed: boolean, base: Uint8Array): boolean {
    if (base.length > maxWorkSize && this.#wrong !== 'C17 large') return false;
    if (this.#wrong === 'C17') return true;
    return isServed && /^(C17 |C10 )work|^C17 (ended|large)/.test(this.#wrong);
  }

  #take(answer: ReconcileResponse, keys: readonly string[]): Answered {
    const fault = faultOf(answer, keys) ?? this.#dependents.faultOf(answer.dependents);
    if (fault && this.#wrong === 'C14') {
      const changes = [...accepted(answer, fault).extensions].filter(([key]) => !keys.includes(key));
      return { ...failed(fault), extensions: new Map(changes) };
    }
    if (fault && this.#wrong !== 'C12') return failed(fault);
    return accepted(answer, fault ?? '');
  }

  /** Calls on a Work stream; returns `undefined` when the stream ended without an answer. */
  async #work(
    client: GrpcClient<typeof PluginService>,
    request: Parameters<typeof client.reconcile>[0],
  ): Promise<ReconcileResponse | undefined> {
    for (let left = this.#wrong === 'C17 ended' ? 2 : 1; left > 0; left--) {
      const stream = client.work();
      const { promise, resolve, reject } = Promise.withResolvers<ReconcileResponse | undefined>();
      stream.on('data', ({ answer }) => resolve(answer.case === 'reconcile' ? answer.value : undefined));
      stream.on('end', () => resolve(undefined));
      stream.on('error', reject);
      stream.write({ id: 1, call: { case: 'reconcile', value: request } });
      const timer = setTimeout(() => {
        if (this.#wrong !== 'C10 work') stream.write({ id: 1, call: { case: 'cancellation', value: {} } });
        reject(new Error('the deadline is exceeded'));
      }, callTimeout);
      const answer = await promise.finally(() => clearTimeout(timer));
      stream.end();
      if (answer) return answer;
    }
    return undefined;
  }

  async #clientOf({ instanceId, address, certificate }: KnownInstance) {
    const known = this.#clients.get(instanceId);
    if (known) return known;
    const v1 = createGrpcClient(PluginService, address, this.#credentialsFor(certificate), withoutName);
    const isVerified = this.#wrong !== 'C8 unasked';
    const info = isVerified
      ? await v1.getInfo({}, { deadline: Date.now() + 2_000 })
      : { instanceId, servesWork: false };
    if (info.instanceId !== instanceId && this.#wrong !== 'C8') return undefined;
    const reached = { v1, servesWork: info.servesWork };
    this.#clients.set(instanceId, reached);
    return reached;
  }

  #credentialsFor(der: Uint8Array): grpc.ChannelCredentials {
    if (!this.#authority || der.length === 0 || this.#wrong === 'C40 plain') return grpc.credentials.createInsecure();
    const { caller, server } = this.#authority;
    const presented = this.#wrong === 'C41 none' ? undefined : this.#wrong === 'C41 name' ? server : caller;
    if (this.#wrong === 'C40 other') {
      const context = createSecureContext({ ...presented });
      return grpc.credentials.createFromSecureContext(context, { rejectUnauthorized: false });
    }
    return pinned(new X509Certificate(der).toString(), der, presented);
  }

  async #callV0(
    { address, instanceId }: KnownInstance,
    base: Resource,
    extensions: readonly Resource[],
    isFinalizing: boolean,
  ): Promise<Answered> {
    if (this.#wrong === 'C27') {
      const v1 = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
      await v1.getInfo({}, { deadline: Date.now() + 2_000 }).catch(() => undefined);
      v1.$client.close();
    }
    const client = createGrpcClient(v0.Plugin, address, grpc.credentials.createInsecure());
    const write = (resource: Resource) => ({
      yaml: stringify(resource, this.#wrong === 'C23' ? {} : { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0 }),
    });
    const references = Object.fromEntries(extensions.map((one) => [keyOf(one), write(one)]));
    const request = { base: write(base), references };
    const options = { deadline: Date.now() + callTimeout };
    try {
      if (isFinalizing) return await this.#delete(() => client.delete(request, options));
      const key = `${instanceId} ${keyOf(base)}`;
      const isUpdate = this.#created.has(key) || this.#wrong === 'C22';
      const returned = await client[isUpdate ? 'update' : 'create'](request, options);
      this.#created.add(key);
      return this.#read(returned, Object.keys(references));
    } finally {
      client.$client.close();
    }
  }

  async #delete(call: () => Promise<unknown>): Promise<Answered> {
    const done = { ...failed(''), isDone: true };
    try {
      await call();
      return done;
    } catch (error) {
      const isUnanswered = isServiceError(error) && error.details === 'Failed to serialize response!';
      const isTaken = isUnanswered ? this.#wrong !== 'C26 again' : this.#wrong === 'C26 gives up';
      if (isTaken) return done;
      throw error;
    }
  }

  #read({ base, references }: v0.Resources, keys: readonly string[]): Answered {
    const limit = this.#wrong === 'C25 large' ? Number.POSITIVE_INFINITY : maxWorkSize;
    const isLenient = this.#wrong === 'C25';
    const changes = new Map<string, Change>();
    for (const [key, { yaml }] of Object.entries(references)) {
      if (!keys.includes(key) && !isLenient) return failed(`${key} was not sent`);
      changes.set(key, this.#changeOf(yaml));
    }
    const text = base?.yaml ?? '';
    if (text.length > limit) return failed('it is too large');
    try {
      const change = this.#changeOf(text);
      return { isDone: true, why: '', base: change, extensions: changes };
    } catch (error) {
      if (!isLenient) return failed(messageOf(error));
      return { ...failed('it is not a mapping'), extensions: changes };
    }
  }

  #changeOf(yaml: string): Change {
    const value: unknown = parse(yaml);
    if (value === null) return this.#wrong === 'C24 nothing' ? () => ({}) : same;
    if (typeof value !== 'object' || Array.isArray(value)) throw new Error('it is not a mapping');
    return this.#wrong === 'C24' ? () => value : (status) => merge(status, value);
  }
}

function accepted(answer: ReconcileResponse, why: string): Answered {
  const { baseStatus, extensionStatuses, validFor, outcome } = answer;
  const after = answer.requeueAfter ?? answer.retryAfter;
  const replace = (status: Uint8Array): Change => {
    const value: unknown = parseJson(Buffer.from(status).toString());
    return () => value as object;
  };
  const changes = Object.entries(extensionStatuses).map(([key, status]) => [key, replace(status)] as const);
  return {
    isDone: outcome === Outcome.SUCCESS && why === '',
    after: after && durationMs(after),
    isValid: validFor !== undefined && durationMs(validFor) > 0,
    why,
    base: baseStatus ? replace(baseStatus) : same,
    extensions: new Map(changes),
  };
}

function failed(why: string): Answered {
  return { isDone: false, why, base: same, extensions: new Map() };
}

/** Returns why a response is invalid, for the responses that the suite sends. */
function faultOf(answer: ReconcileResponse, keys: readonly string[]): string | undefined {
  const { outcome, baseStatus, extensionStatuses, conditions } = answer;
  const text = Buffer.from(baseStatus ?? []).toString();
  if (outcome === Outcome.UNSPECIFIED) return 'no outcome';
  if (text.includes('__proto__') || text.startsWith('[')) return 'the status';
  if (Object.keys(extensionStatuses).some((key) => !keys.includes(key))) return 'a key that was not sent';
  if (conditions.some(({ type }) => type === 'Ready')) return 'the condition Ready';
  return conditions.length > 64 ? 'too many conditions' : undefined;
}

function merge(status: object, change: object): object {
  const merged: Record<string, unknown> = { ...status };
  for (const [key, value] of Object.entries(change)) {
    const before = merged[key];
    const isNested = typeof value === 'object' && value !== null && typeof before === 'object' && before !== null;
    if (value === null) delete merged[key];
    else merged[key] = isNested ? merge(before, value) : value;
  }
  return merged;
}

function encode(resource: Resource): Uint8Array {
  return Buffer.from(formatJson(resource));
}
