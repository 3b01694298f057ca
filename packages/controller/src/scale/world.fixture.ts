import { pino } from 'pino';
import { addGauges } from '../controller-gauges.ts';
import { delegationService } from '../admin/delegation-service.ts';
import { PluginCaller } from '../clients/caller.ts';
import { Connections } from '../clients/connections.ts';
import type { PluginAnswer } from '../clients/plugin-call.ts';
import { Delegations } from '../delegation/delegations.ts';
import { readDeclaration } from '../delegation/delegation-settings.ts';
import { DelegationResources } from '../delegation-resources/delegation-resources.ts';
import { logPluginChange } from '../log-plugin-change.ts';
import { PluginResourceWriter } from '../plugin-resources/plugin-resource-writer.ts';
import type { Implementation } from '../registry/implementation.ts';
import { PluginList } from '../registry/plugin-list.ts';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import type { PluginRecord, PluginStore } from '../resources/cluster-services.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import { RecentEvents } from '../telemetry/events.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { turn } from './loop-meter.fixture.ts';

export const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };

/** Answers for plugins without calling them. */
class AnsweringCaller extends PluginCaller {
  outcome: PluginAnswer['outcome'] = 'success';
  calls = 0;

  override async call<T>(_: Implementation, method: string): Promise<T> {
    this.calls++;
    const outcome = method === 'Finalize' ? 'success' : this.outcome;
    const answer: PluginAnswer = {
      outcome,
      retryAfter: 3_600_000,
      requeueAfter: undefined,
      messages: [],
      baseStatus: undefined,
      extensionStatuses: new Map(),
      conditions: undefined,
      events: [],
    };
    return answer as T;
  }
}

class MemoryStore implements PluginStore {
  readonly records = new Map<string, PluginRecord>();
  load = async () => [];
  save = async (record: PluginRecord) => void this.records.set(record.name, record);
  remove = async ({ name }: Pick<PluginRecord, 'name'>) => void this.records.delete(name);
}

/** Parts of a controller over resources in memory, without ports and connections. */
export class World {
  readonly resources = new MemoryResources();
  readonly clock = new ManualClock();
  readonly registry = new Registry({ clock: this.clock, capacity: 2_000_000 });
  readonly caller: AnsweringCaller;
  readonly metrics = new Metrics();
  readonly delegations: Delegations;
  readonly store = new MemoryStore();
  readonly list = new PluginList(this.registry);
  readonly service;
  readonly #writer: PluginResourceWriter;
  readonly #declared: DelegationResources;

  constructor() {
    const log = pino({ enabled: false });
    const { resources, registry, metrics } = this;
    const idle = new Registry({ clock: this.clock });
    this.caller = new AnsweringCaller(new Connections(idle));
    const events = new RecentEvents(log);
    this.delegations = new Delegations({ resources, registry, caller: this.caller, events, observer: metrics, log });
    const extensions = { kinds: [{ apiVersion: kind.apiVersion, kind: 'Extension' }] };
    this.delegations.add(
      readDeclaration({ name: 'tables', base: kind, api: 'Table@^1.0.0', extensions, namespaces: ['a', 'b'] }),
    );
    registry.subscribe((change) => logPluginChange(log, change));
    addGauges(metrics, { delegations: this.delegations, registry, folder: undefined });
    this.service = delegationService(() => this.delegations, events, registry);
    this.#writer = new PluginResourceWriter(registry, this.store, log, { settleTime: 10 });
    this.#declared = new DelegationResources({ ...this, operator: '', defaults: {}, log });
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
