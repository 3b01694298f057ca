import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  addReflection,
  addService,
  ConditionStatus,
  DependentPolicy,
  type FinalizeRequest,
  type GetInfoResponseSchema,
  Outcome,
  PluginService,
  type ReconcileRequest,
  type ReconcileResponseSchema,
  Severity,
  serviceError,
} from '@kplug/protocol';
import { healthService } from '../wire.ts';

type Answer = MessageInitShape<typeof ReconcileResponseSchema>;

const encoder = new TextEncoder();
const deliberateError = (reason: string) => [{ severity: Severity.ERROR, reason, text: 'deliberate failure' }];
const failure = (outcome: Outcome, reason: string) => ({ outcome, messages: deliberateError(reason) });

/** Rules of a dependent that is generated once. */
const generated = { 'Secret/one': { policy: DependentPolicy.CREATE_ONLY } };

/** A plugin that violates only the requirement that it is given. */
export class WrongPlugin {
  readonly server: grpc.Server;
  readonly info: Exclude<MessageInitShape<typeof GetInfoResponseSchema>, { $typeName: string }>;
  readonly #wrong: string;
  readonly #world = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #streams = new Set<grpc.ServerDuplexStream<unknown, unknown>>();
  #inFlight = 0;
  readonly #admitted = new Set<string>();
  #count = 0;
  #isWedged = false;
  #latest = '';
  #repeated = 0;

  constructor(wrong: string, instanceId: string) {
    this.#wrong = wrong;
    const provided = { category: 'greeting', type: 'plain', versions: ['1', '2'] };
    const provides = wrong === 'P35 provides' ? [provided, { ...provided, type: 'Plain' }] : [provided];
    const apis = [{ name: 'Greeting', version: wrong === 'P35' ? 'one' : '1.0.0', provides }];
    const version = wrong === 'P2' ? 'one' : '1.0.0';
    this.info = {
      plugin: 'Wrong',
      version,
      apis,
      instanceId,
      runtime: 'by hand',
      servesWork: true,
      serializesCalls: true,
    };
    const limit = (wrong === 'P14 large' ? 1 : 4) * 1024 * 1024;
    this.server = new grpc.Server({ 'grpc.max_receive_message_length': limit });
    addService(this.server, PluginService, {
      getInfo: () => (wrong === 'P11' ? { ...this.info, version: '2.0.0' } : this.info),
      reconcile: (request, call) => {
        const answer = this.#reconcile(request, true);
        let isInFlight = true;
        const end = () => {
          isInFlight = false;
        };
        answer.then(end, end);
        // The event is also emitted for calls that have ended.
        call.on('cancelled', () => {
          this.#isWedged ||= isInFlight && wrong === 'P25 cancelled';
        });
        return answer;
      },
      finalize: (request) => ({ ...this.#finalize(request) }),
      work: (stream) => this.#work(stream),
    });
    this.server.addService(healthService, this.#health());
    if (wrong !== 'P13') addReflection(this.server, [PluginService], [healthService]);
  }

  async listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  /** Reports whether a call is in-flight. */
  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  async #reconcile(request: ReconcileRequest, isUnary: boolean): Promise<Answer> {
    this.#inFlight++;
    try {
      if (this.#wrong === 'P14 many' && this.#inFlight > 4) throw serviceError(grpc.status.RESOURCE_EXHAUSTED, 'busy');
      if (this.#wrong === 'P39' && isUnary && request.base && !this.#admit(request.base.json))
        throw serviceError(grpc.status.ABORTED, 'busy with this resource');
      if (this.#wrong === 'P15' && request.$unknown) throw serviceError(grpc.status.INVALID_ARGUMENT, 'unknown field');
      await delay(this.#wrong === 'P30 call' ? 300 : 15);
      if (this.#wrong !== 'P53' && !isProvided(request.assignment)) return failure(Outcome.TERMINAL, 'NoSuchVersion');
      return await this.#answer(request, isUnary);
    } finally {
      this.#inFlight--;
      if (request.base) this.#admitted.delete(Buffer.from(request.base.json).toString());
    }
  }

  /** Reports whether no call for the same resource is in flight. */
  #admit(json: Uint8Array): boolean {
    const text = Buffer.from(json).toString();
    const isFirst = !this.#admitted.has(text);
    this.#admitted.add(text);
    return isFirst;
  }

  async #answer({ base, extensions }: ReconcileRequest, isUnary: boolean): Promise<Answer> {
    const resource = read(base?.json);
    if (!resource) return this.#answerUnreadable();
    const wrong = this.#wrong;
    const keys = Object.keys(extensions);
    if (keys.length === 0 && wrong === 'P33') throw serviceError(grpc.status.INTERNAL, 'no extension');
    if (keys.length === 0 && wrong === 'P18') return failure(Outcome.UNSPECIFIED, 'NoExtension');
    if (keys.length === 0 && wrong === 'P25 late') await delay(2_000);
    if (wrong === 'P16 first' || this.#isWedged) return failure(Outcome.TERMINAL, 'Wrong');
    if (wrong === 'P17' && resource.metadata.generation > 1) return failure(Outcome.TERMINAL, 'TooNew');
    const text = `${resource.metadata.name} ${keys} ${isUnary}`;
    this.#repeated = text === this.#latest ? this.#repeated + 1 : 1;
    this.#latest = text;
    if (wrong === 'P16 again' && isUnary && this.#repeated === 3) return failure(Outcome.TERMINAL, 'AlreadyExists');
    this.#world.add(resource.metadata.name);
    this.#seen.add(resource.metadata.name);
    return this.#success(keys);
  }

  #answerUnreadable(): Answer {
    if (this.#wrong === 'P32') return { outcome: Outcome.SUCCESS };
    if (this.#wrong === 'P19') return { outcome: Outcome.RETRY };
    return failure(Outcome.TERMINAL, 'Unreadable');
  }

  #success(keys: readonly string[]): Answer {
    const wrong = this.#wrong;
    const status: Record<string, unknown> = { letters: 5 };
    if (wrong === 'P23 status') status.observedGeneration = 1;
    if (wrong === 'P24') status.calls = ++this.#count;
    if (wrong === 'P38') status.text = 'x'.repeat(300 * 1024);
    const text = wrong === 'P21' ? '{"a": {"__proto__": {}}}' : JSON.stringify(status);
    const targets = wrong === 'P22' ? [...keys, 'example.org/v1/Other/default/other'] : keys;
    const types = wrong === 'P26' ? Array.from({ length: 65 }, (_, index) => `Condition${index}`) : ['Written'];
    if (wrong === 'P23 condition') types.push('Ready');
    const extension = encoder.encode('{"used":true}');
    return {
      outcome: Outcome.SUCCESS,
      baseStatus: encoder.encode(text),
      extensionStatuses: Object.fromEntries(targets.map((key) => [key, extension])),
      ...(wrong === 'P51' && { progress: { percentage: 101, token: 'x'.repeat(2_000) } }),
      ...(wrong === 'P52' && { requirements: { plan: { apiVersion: 'v1', kind: 'ConfigMap' } } }),
      ...(wrong === 'P52 unstable' && {
        requirements: { plan: { apiVersion: 'v1', kind: 'ConfigMap', name: `plan-${++this.#count}` } },
      }),
      ...(wrong === 'P50' && { validFor: durationFromMs(-1_000) }),
      ...(wrong === 'P37' && { dependents: { items: [encoder.encode('{"apiVersion":"v1","kind":"ConfigMap"}')] } }),
      ...(wrong === 'P54' && { dependents: { items: [this.#counted(), this.#counted('Secret')], rules: generated } }),
      ...(wrong === 'P37 rules' && { dependents: { items: [], rules: { 'ConfigMap/a': { dependsOn: [] } } } }),
      conditions: types.map((type) => ({ type, status: ConditionStatus.TRUE, reason: 'Written' })),
    };
  }

  /** Returns a dependent that differs from call to call. */
  #counted(kind = 'ConfigMap'): Uint8Array {
    const manifest = { apiVersion: 'v1', kind, metadata: { name: 'one' }, data: { calls: String(++this.#count) } };
    return encoder.encode(JSON.stringify(manifest));
  }

  #finalize({ base, assignment }: FinalizeRequest): {
    outcome: Outcome;
    messages?: ReturnType<typeof deliberateError>;
  } {
    this.#isWedged = false;
    this.#latest = '';
    const name = read(base?.json)?.metadata.name;
    if (name === undefined) return failure(Outcome.TERMINAL, 'Unreadable');
    if (!isProvided(assignment) && this.#wrong === 'P53 finalize') return failure(Outcome.TERMINAL, 'NoSuchVersion');
    const wasThere = this.#world.delete(name);
    const wasSeen = this.#seen.has(name);
    if (wasThere && this.#wrong === 'P27') return failure(Outcome.TERMINAL, 'Stuck');
    if (!wasThere && wasSeen && this.#wrong === 'P28') return failure(Outcome.TERMINAL, 'AlreadyGone');
    if (!wasSeen && this.#wrong === 'P27 unseen') return failure(Outcome.TERMINAL, 'NeverSeen');
    return { outcome: Outcome.SUCCESS };
  }

  #work(stream: Parameters<NonNullable<Parameters<typeof addService<typeof PluginService>>[2]['work']>>[0]): void {
    this.#streams.add(stream as grpc.ServerDuplexStream<unknown, unknown>);
    stream.on('data', async ({ id, call }) => {
      if (call.case === 'reconcile') {
        const value = await this.#reconcile(call.value, false);
        stream.write({ id, answer: { case: 'reconcile', value } });
        if (this.#wrong === 'P31') stream.write({ id, answer: { case: 'reconcile', value } });
      } else if (call.case === 'finalize') {
        stream.write({ id, answer: { case: 'finalize', value: this.#finalize(call.value) } });
      }
    });
    stream.on('end', () => stream.end());
  }

  #health(): grpc.UntypedServiceImplementation {
    // HealthCheckResponse.status: SERVING, or NOT_SERVING.
    const status = Buffer.from([0x08, this.#wrong === 'P12' ? 2 : 1]);
    return {
      // A request for an API contains its name; an empty request is for the server.
      check: ({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) =>
        respond(null, request.length > 0 && this.#wrong === 'P34' ? Buffer.alloc(0) : status),
      watch: (stream: grpc.ServerWritableStream<Buffer, Buffer>) => void stream.write(status),
    };
  }
}

/** Reports whether a version is one of those that the plugin provides; true without capabilities. */
function isProvided(assignment: ReconcileRequest['assignment']): boolean {
  const version = assignment?.capability?.version;
  return version === undefined || ['1', '2'].includes(version);
}

interface Base {
  metadata: { name: string; generation: number };
}

function read(json: Uint8Array | undefined): Base | undefined {
  try {
    return JSON.parse(Buffer.from(json ?? []).toString()) as Base;
  } catch {
    return undefined;
  }
}
