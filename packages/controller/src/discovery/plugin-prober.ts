import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import type { Instance } from '../registry/instance.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { type DeclarationReporter, declaredKeyOf } from '../resources/declared-plugin.ts';
import type { PluginDeclaration, PluginDeclarations } from '../resources/plugin-declarations.ts';
import type { EndpointProbe, ProbeParts, ProbeTerms } from './endpoint-probe.ts';
import { PluginProbe } from './plugin-probe.ts';
import { ProbedInstances } from './probed-instances.ts';

/** Options of asking plugins that don't beat. Times in milliseconds. */
export interface ProbingOptions extends Partial<ProbeTerms> {
  /** How often such a plugin is asked what it is. Default 10,000; six times as long once it has answered six times in a row. */
  interval?: number;
  /** How long it may take to answer. Default 2,000. */
  timeout?: number;
}

/** What a prober works with. */
export interface ProberParts {
  registry: Registry;
  reader: RegistrationReader;
  declarations: PluginDeclarations;
  /** How many calls are under way to an instance. */
  inFlight: (instance: Instance) => number;
  credentials?: grpc.ChannelCredentials | undefined;
  /** Receives the outcome of each declaration. */
  reporter?: DeclarationReporter | undefined;
}

/** Finds the plugins that don't beat: asks what is at each declared address what it is, and makes an instance of it. */
export class PluginProber {
  readonly #declarations: PluginDeclarations;
  readonly #registry: Registry;
  readonly #parts: ProbeParts;
  readonly #reporter: DeclarationReporter | undefined;
  readonly #probes = new Map<string, PluginProbe>();
  #unsubscribe: () => void = () => undefined;
  #stopped = false;

  constructor(parts: ProberParts, { interval = 10_000, timeout = 2_000 }: ProbingOptions = {}) {
    const { registry, reader, declarations, inFlight, reporter } = parts;
    this.#declarations = declarations;
    this.#registry = registry;
    this.#reporter = reporter;
    this.#parts = {
      instances: new ProbedInstances(registry, inFlight),
      reader,
      credentials: parts.credentials ?? grpc.credentials.createInsecure(),
      terms: { interval, timeout },
    };
  }

  /**
   * Begins. Fulfilled when the declarations that are there are known, and what they stand for has answered once or had the time to: a
   * controller that takes over from another shouldn't find no plugins.
   */
  async start(): Promise<void> {
    this.#unsubscribe = this.#registry.subscribe((change) => this.#onInstance(change));
    await this.#declarations.follow((declaration, gone) => this.#onDeclaration(declaration, gone));
    if (this.#stopped) return;
    this.#reporter?.settleDeclarations();
    const asked = Promise.all([...this.#probes.values()].map((probe) => probe.asked()));
    await Promise.race([asked, sleep(this.#parts.terms.timeout, undefined, { ref: false })]);
  }

  /** Asks no more. The instances stay as they are. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const probe of this.#probes.values()) probe.stop();
    this.#parts.instances.close();
  }

  #onDeclaration(declaration: PluginDeclaration, gone: boolean): void {
    if (this.#stopped) return;
    const key = declaredKeyOf(declaration.record);
    const probe = this.#probes.get(key);
    if (gone) {
      this.#probes.delete(key);
      this.#reporter?.undeclare(declaration);
      probe?.leave('its declaration is gone');
    } else if (probe) probe.update(declaration);
    else this.#probes.set(key, new PluginProbe(declaration, this.#parts, (report) => this.#reporter?.declare(report)));
  }

  /** What becomes of an instance by other ways than ours is a reason to ask again. */
  #onInstance({ instance, from }: RegistryChange): void {
    const { declaration, instanceId } = instance.registration;
    const isNews = declaration ? instance.state === 'suspect' : from === undefined || instance.state === 'gone';
    if (!isNews || this.#probes.size === 0) return;
    const probe = this.#find(({ instanceId: id, givenId }) => (declaration ? id : givenId) === instanceId);
    // Not within the registry's own change.
    if (probe) queueMicrotask(() => probe.hurry());
  }

  #find(test: (probe: EndpointProbe) => boolean): EndpointProbe | undefined {
    for (const probe of this.#probes.values()) {
      for (const endpoint of probe.endpoints) if (test(endpoint)) return endpoint;
    }
    return undefined;
  }
}
