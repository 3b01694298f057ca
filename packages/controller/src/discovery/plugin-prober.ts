// discovery/: plugins that send no heartbeats: found behind a Service or at an address, and probed.
import { setTimeout as sleep } from 'node:timers/promises';
import { PluginChannels, type PluginSecurity } from '../certificates/plugin-channels.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Instance } from '../registry/instance.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { type DeclarationReporter, declaredKeyOf } from '../resources/declared-plugin.ts';
import type { PluginDeclaration, PluginDeclarations } from '../resources/services/plugin-declarations.ts';
import type { EndpointProbe } from './endpoint-probe.ts';
import { PluginProbe } from './plugin-probe.ts';
import type { Probe, ProbeParts } from './probe.ts';
import { ProbedInstances } from './probed-instances.ts';

/** Probing of plugins that send no heartbeats. Times in milliseconds. */
export interface ProbingOptions {
  /** Interval between probes of a plugin. Default 10,000; six times as long after six answers in a row. */
  interval?: number;
  /** Time that a plugin has to answer. Default 2,000. */
  timeout?: number;
}

/** Dependencies of a prober. */
export interface ProberParts {
  registry: Registry;
  reader: RegistrationReader;
  declarations: PluginDeclarations;
  /** Returns the number of in-flight calls to an instance. */
  inFlight: (instance: Instance) => number;
  /** Decides how plugins are called. Default: in plain text. */
  security?: PluginSecurity | undefined;
  /** Receives the outcome of each declaration. */
  reporter?: DeclarationReporter | undefined;
}

/** Finds the plugins that send no heartbeats: probes each declared address, and registers the instances that answer. */
export class PluginProber {
  readonly #declarations: PluginDeclarations;
  readonly #registry: Registry;
  readonly #parts: ProbeParts;
  readonly #reporter: DeclarationReporter | undefined;
  readonly #queue: WorkQueue<Probe>;
  readonly #probes = new Map<string, PluginProbe>();
  #unsubscribe: () => void = () => undefined;
  #stopped = false;

  constructor(parts: ProberParts, options: ProbingOptions = {}) {
    const interval = readLimit(limitTable.discovery.interval, options.interval);
    const timeout = readLimit(limitTable.discovery.timeout, options.timeout);
    const { registry, reader, declarations, inFlight, reporter } = parts;
    this.#declarations = declarations;
    this.#registry = registry;
    this.#reporter = reporter;
    this.#queue = new WorkQueue({
      concurrency: limits.discovery.maxProbes,
      backOff: { initial: Math.min(limits.discovery.initialBackOff, interval), max: interval },
      work: (probe) => probe.run(),
    });
    this.#parts = {
      instances: new ProbedInstances(registry, inFlight),
      reader,
      security: parts.security ?? new PluginChannels(),
      timing: { interval, timeout },
      queue: this.#queue,
    };
  }

  /**
   * Starts probing. Fulfilled when the existing declarations are known, and the first probes have ended or timed out: a controller
   * that takes over from another must not start without the plugins that are running.
   */
  async start(): Promise<void> {
    this.#unsubscribe = this.#registry.subscribe((change) => this.#onInstance(change));
    await this.#declarations.follow((declaration, gone) => this.#onDeclaration(declaration, gone));
    if (this.#stopped) return;
    this.#reporter?.settleDeclarations();
    const probed = Promise.all([...this.#probes.values()].map((probe) => probe.probed()));
    await Promise.race([probed, sleep(this.#parts.timing.timeout, undefined, { ref: false })]);
  }

  /** Stops probing. The instances stay. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const probe of this.#probes.values()) probe.stop();
    void this.#queue.close();
    this.#parts.instances.close();
  }

  #onDeclaration(declaration: PluginDeclaration, gone: boolean): void {
    if (this.#stopped) return;
    const key = declaredKeyOf(declaration.record);
    const probe = this.#probes.get(key);
    if (gone) {
      this.#probes.delete(key);
      this.#reporter?.undeclare(declaration);
      probe?.remove('its declaration was deleted');
    } else if (probe) probe.update(declaration);
    else this.#probes.set(key, new PluginProbe(declaration, this.#parts, (report) => this.#reporter?.declare(report)));
  }

  /** Probes again when an instance became suspect, or when a process started or stopped sending heartbeats. */
  #onInstance({ instance, from }: RegistryChange): void {
    const { declaration, instanceId } = instance.registration;
    const isRelevant = declaration ? instance.state === 'suspect' : from === undefined || instance.state === 'gone';
    if (!isRelevant || this.#probes.size === 0) return;
    const probe = this.#find((one) => (declaration ? one.instanceId : one.reportedId) === instanceId);
    // A probe may change the registry, which must not happen during another change.
    if (probe) queueMicrotask(() => probe.probeNow());
  }

  #find(test: (probe: EndpointProbe) => boolean): EndpointProbe | undefined {
    for (const probe of this.#probes.values()) {
      for (const endpoint of probe.endpoints) if (test(endpoint)) return endpoint;
    }
    return undefined;
  }
}
