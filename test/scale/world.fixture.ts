import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  ListDelegationsRequestSchema,
  ListResourcesRequestSchema,
  SearchResourcesRequestSchema,
} from '@kplug/protocol';
import { pino } from 'pino';
import { delegationService } from '../../packages/controller/src/admin/delegation-service.ts';
import { SummaryWatches } from '../../packages/controller/src/admin/summary-watches.ts';
import { PluginCaller } from '../../packages/controller/src/clients/caller.ts';
import { Connections } from '../../packages/controller/src/clients/connections.ts';
import { type PluginAnswer, plainSuccess } from '../../packages/controller/src/clients/plugin-call.ts';
import { addGauges } from '../../packages/controller/src/controller-gauges.ts';
import {
  type DelegationSettings,
  readDeclaration,
} from '../../packages/controller/src/delegation/delegation-settings.ts';
import { Delegations } from '../../packages/controller/src/delegation/delegations.ts';
import { DelegationResources } from '../../packages/controller/src/delegation-resources/delegation-resources.ts';
import { logPluginChange } from '../../packages/controller/src/log-plugin-change.ts';
import { PluginResourceWriter } from '../../packages/controller/src/plugin-resources/plugin-resource-writer.ts';
import type { Clock } from '../../packages/controller/src/registry/clock.ts';
import type { Implementation } from '../../packages/controller/src/registry/implementation.ts';
import { PluginList } from '../../packages/controller/src/registry/plugin-list.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { registrationOf } from '../../packages/controller/src/registry/testing.ts';
import type { PluginRecord, PluginStore } from '../../packages/controller/src/resources/cluster-services.ts';
import { MemoryResources } from '../../packages/controller/src/resources/memory/memory-resources.ts';
import { RecentEvents } from '../../packages/controller/src/telemetry/events.ts';
import { Metrics } from '../../packages/controller/src/telemetry/metrics.ts';
import { turn } from './loop-meter.fixture.ts';

export const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };

/** Reference to an extension. */
export function extension(name: string) {
  return { apiVersion: kind.apiVersion, kind: 'Extension', name };
}

/** The handlers read nothing of it. */
const context = {} as HandlerContext;

/** Answers for plugins without calling them. */
class AnsweringCaller extends PluginCaller {
  outcome: PluginAnswer['outcome'] = 'success';
  calls = 0;

  override async call<T>(_: Implementation, method: string): Promise<T> {
    this.calls++;
    const outcome = method === 'Finalize' ? 'success' : this.outcome;
    const answer: PluginAnswer = { ...plainSuccess, outcome, retryAfter: 3_600_000 };
    return answer as T;
  }
}

class MemoryStore implements PluginStore {
  readonly records = new Map<string, PluginRecord>();
  saves = 0;

  async load(): Promise<PluginRecord[]> {
    return [];
  }

  async save(record: PluginRecord): Promise<void> {
    this.saves++;
    this.records.set(record.name, record);
  }

  async remove({ name }: Pick<PluginRecord, 'name'>): Promise<void> {
    this.records.delete(name);
  }
}

/** Clock that a test sets. Its alarms go off in later iterations of the event loop. */
class SetClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const alarm = { at: this.#now + delay, callback };
    this.#alarms.add(alarm);
    if (delay <= 0) setImmediate(() => this.#ring());
    return () => this.#alarms.delete(alarm);
  }

  set(time: number): void {
    this.#now = time;
    setImmediate(() => this.#ring());
  }

  #ring(): void {
    for (const alarm of [...this.#alarms]) {
      if (alarm.at <= this.#now && this.#alarms.delete(alarm)) alarm.callback();
    }
  }
}

/** Parts of a controller over resources in memory, without ports and connections. */
export class World {
  readonly resources = new MemoryResources();
  readonly clock = new SetClock();
  readonly registry = new Registry({ clock: this.clock, capacity: 2_000_000 });
  readonly caller: AnsweringCaller;
  readonly metrics = new Metrics();
  readonly delegations: Delegations;
  readonly store = new MemoryStore();
  readonly plugins = new PluginList(this.registry);
  readonly summaries: SummaryWatches;
  readonly #service: ReturnType<typeof delegationService>;
  readonly #writer: PluginResourceWriter;
  readonly #declared: DelegationResources;

  constructor() {
    const log = pino({ enabled: false });
    const { resources, registry, metrics } = this;
    const idle = new Registry({ clock: this.clock });
    const connections = new Connections(idle);
    this.caller = new AnsweringCaller(connections);
    const events = new RecentEvents(log);
    this.delegations = new Delegations({ resources, registry, caller: this.caller, events, observer: metrics, log });
    this.delegations.add(this.settingsFor('a', 'b'));
    registry.subscribe((change) => logPluginChange(log, change));
    const security = { mode: 'loopback', allowsFirstKplug: false, certificates: undefined } as const;
    addGauges(metrics, { connections, delegations: this.delegations, registry, folder: undefined, security });
    const parts = {
      ...{ events, registry, delegations: () => this.delegations, find: () => undefined },
      ...{ refusals: () => [], refusalRevision: () => 0, isStandby: () => false, problems: () => [] },
    };
    this.#service = delegationService(parts);
    this.summaries = new SummaryWatches(parts);
    this.#writer = new PluginResourceWriter(registry, this.store, log, { settleTime: 10 });
    this.#declared = new DelegationResources({ ...this, operator: '', defaults: {}, log });
  }

  /** Returns the settings of the delegation of the resources in namespaces. */
  settingsFor(...namespaces: string[]): DelegationSettings {
    const { apiVersion } = kind;
    const extensions = { kinds: [{ apiVersion, kind: 'Extension' }] };
    return readDeclaration({ name: 'tables', base: kind, api: 'Table@^1.0.0', extensions, namespaces });
  }

  /** Returns the number of resources of a page, and the token of the next one. */
  async listResources(pageToken: string): Promise<{ size: number; nextPageToken: string }> {
    const request = create(ListResourcesRequestSchema, { pageToken });
    const { resources = [], nextPageToken = '' } = await this.#service.listResources(request, context);
    return { size: resources.length, nextPageToken };
  }

  /** Returns the number of resources that match a search. */
  async search(request: MessageInitShape<typeof SearchResourcesRequestSchema>): Promise<number> {
    const { total = 0 } = await this.#service.searchResources(create(SearchResourcesRequestSchema, request), context);
    return total;
  }

  async listDelegations(): Promise<void> {
    await this.#service.listDelegations(create(ListDelegationsRequestSchema), context);
  }

  /** Fulfilled when the current states of the plugins have been written. */
  async written(): Promise<void> {
    const saves = this.store.saves;
    this.registerOne(0, 'PostgreSQL', 1_200_000);
    while (this.store.saves === saves) await turn();
  }

  /** Number of resources that wait for a pass or are in one. */
  get waiting(): number {
    let waiting = 0;
    for (const { load } of this.delegations) waiting += load.waiting + load.active;
    return waiting;
  }

  async start(): Promise<void> {
    await this.#writer.start();
    await this.delegations.start();
    await this.#declared.start();
  }

  async stop(): Promise<void> {
    await this.#declared.stop();
    await this.delegations.stop();
    await this.#writer.stop();
    this.registry.close();
  }

  /** Creates resources. */
  async createResources(count: number, namespace: string, spec: object = {}): Promise<void> {
    await inTurns(count, (index) => {
      this.resources.apply({ ...kind, metadata: { name: `t${index}`, namespace }, spec: { ...spec } });
    });
  }

  /** Registers instances of one plugin. */
  async register(count: number, plugin: string, ttl = 1_000_000): Promise<void> {
    await inTurns(count, (index) => this.registerOne(index, plugin, ttl));
  }

  registerOne(index: number, plugin: string, ttl = 1_000_000): void {
    const lease = { interval: ttl / 3, ttl };
    this.registry.register(registrationOf({ plugin, instanceId: `${plugin}-${index}`, lease }));
  }
}

/** Does work for many indexes, a hundred in each iteration of the event loop. */
export async function inTurns(count: number, work: (index: number) => void, size = 100): Promise<void> {
  for (let index = 0; index < count; index++) {
    work(index);
    if (index % size === size - 1) await turn();
  }
}
