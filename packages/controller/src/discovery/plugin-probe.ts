import { messageOf } from '../errors.ts';
import type { WorkOutcome } from '../queue/work-queue.ts';
import type { Instance } from '../registry/instance.ts';
import type { DeclarationReference } from '../registry/registration.ts';
import type { DeclarationReport } from '../resources/declared-plugin.ts';
import type {
  DeclarationProblem,
  DeclaredEndpoint,
  PluginDeclaration,
} from '../resources/services/plugin-declarations.ts';
import { EndpointProbe } from './endpoint-probe.ts';
import type { Probe, ProbeParts } from './probe.ts';
import { ProbeFailure } from './probe-failure.ts';
import { checkAddress } from './read-info.ts';
import { isNamed, resolveAddress } from './resolve-address.ts';

/** Follows one declared plugin: resolves its addresses, and probes each of its endpoints. */
export class PluginProbe implements Probe {
  readonly #parts: ProbeParts;
  readonly #onReport: (report: DeclarationReport) => void;
  readonly #endpoints = new Map<string, EndpointProbe>();
  readonly #resolved = Promise.withResolvers<void>();
  #declaration: PluginDeclaration;
  #unresolved: ProbeFailure | undefined;
  #lastReport = '';
  #stopped = false;

  /** @param onReport called with the result whenever it changes. */
  constructor(declaration: PluginDeclaration, parts: ProbeParts, onReport: (report: DeclarationReport) => void) {
    this.#declaration = declaration;
    this.#parts = parts;
    this.#onReport = onReport;
    parts.queue.add(this);
  }

  /** Fulfilled when the addresses were resolved once, and the first probe of each endpoint has ended. */
  async probed(): Promise<void> {
    await this.#resolved.promise;
    await Promise.all([...this.#endpoints.values()].map(({ probed }) => probed));
  }

  /** Probes of the endpoints. */
  get endpoints(): Iterable<EndpointProbe> {
    return this.#endpoints.values();
  }

  update(declaration: PluginDeclaration): void {
    this.#declaration = declaration;
    if (!this.#stopped) this.#parts.queue.add(this);
  }

  /** Ends all probes of a declaration that was deleted, and removes its instances. */
  remove(reason: string): void {
    this.stop();
    for (const endpoint of this.#endpoints.values()) endpoint.remove(reason);
    this.#endpoints.clear();
  }

  /** Ends all probes. The instances stay. */
  stop(): void {
    this.#stopped = true;
    this.#parts.queue.remove(this);
    this.#resolved.resolve();
    for (const endpoint of this.#endpoints.values()) endpoint.stop();
  }

  /** Applies the declared endpoints. Those with host names are resolved again at each interval. */
  async run(): Promise<WorkOutcome> {
    const declaration = this.#declaration;
    const { endpoints } = declaration;
    const hasNames = endpoints.some(({ address }) => isNamed(address));
    const resolution = hasNames ? await this.#resolve(endpoints) : { endpoints };
    // A declaration that changed meanwhile is in the queue again.
    if (this.#stopped || declaration !== this.#declaration) return { next: 'done' };
    this.#unresolved = resolution.failure;
    this.#apply(resolution.endpoints);
    this.#resolved.resolve();
    this.#report();
    return hasNames ? { next: 'again', after: this.#parts.timing.interval } : { next: 'done' };
  }

  async #resolve(endpoints: readonly DeclaredEndpoint[]): Promise<Resolution> {
    const resolved: DeclaredEndpoint[] = [];
    let failure: ProbeFailure | undefined;
    for (const endpoint of endpoints) {
      try {
        // A reserved address, such as that of the API server, may be a name.
        if (isNamed(endpoint.address)) checkAddress(endpoint.address, this.#parts.reader);
        const addresses = await resolveAddress(endpoint.address);
        resolved.push(...addresses.map((address) => ({ ...endpoint, address })));
      } catch (error) {
        if (!(error instanceof ProbeFailure)) throw error;
        failure = error;
      }
    }
    return { endpoints: resolved, failure };
  }

  #apply(endpoints: readonly DeclaredEndpoint[]): void {
    const { expected, source, record, tls, insecure } = this.#declaration;
    const reference: DeclarationReference = { source, ...record, ...(tls && { tls }), ...(insecure && { insecure }) };
    const present = new Set(endpoints.map(({ address }) => address));
    for (const [address, probe] of this.#endpoints) {
      if (present.has(address)) continue;
      this.#endpoints.delete(address);
      probe.remove(source === 'service' ? 'its endpoint is gone' : 'it is no longer declared');
    }
    for (const endpoint of endpoints) {
      const known = this.#endpoints.get(endpoint.address);
      if (known) known.update(endpoint, expected, reference);
      else {
        const probe = new EndpointProbe(reference, endpoint, expected, this.#parts, () => this.#report());
        this.#endpoints.set(endpoint.address, probe);
      }
    }
  }

  #report(): void {
    if (this.#stopped) return;
    const { record, source, spec, generation } = this.#declaration;
    const problem = this.#problem();
    const report = {
      record,
      source,
      ...(spec && { spec }),
      ...(generation !== undefined && { generation }),
      ...(problem && { problem: { reason: problem.reason, message: problem.message } }),
    };
    // Most probes change nothing.
    const serialized = JSON.stringify(report);
    if (serialized === this.#lastReport) return;
    this.#lastReport = serialized;
    this.#onReport(report);
  }

  #problem(): DeclarationProblem | undefined {
    const { problem } = this.#declaration;
    if (problem) return problem;
    const probes = [...this.#endpoints.values()];
    const hasAnswered = probes.some(({ isProbed, failure }) => isProbed && !failure);
    const failures = probes
      .flatMap(({ failure }) => failure ?? [])
      // A name may resolve to an IPv4 and an IPv6 address of one process.
      .filter(({ reason }) => !(this.#declaration.source === 'address' && reason === 'InstanceKnown' && hasAnswered));
    const first = this.#unresolved ?? failures[0];
    if (first) {
      const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
      return { reason: first.reason, message: `${messageOf(first)}${more}` };
    }
    if (probes.some(({ isProbed }) => !isProbed)) return { reason: 'Asking', message: 'it is being probed' };
    return describeSelfRegistered(probes.flatMap(({ selfRegistered }) => selfRegistered ?? []));
  }
}

/** Endpoints by numeric addresses, and the last failure to resolve one. */
interface Resolution {
  endpoints: readonly DeclaredEndpoint[];
  failure?: ProbeFailure | undefined;
}

/** Notes that the instances of the declaration are shown elsewhere, as the plugin sends heartbeats. */
function describeSelfRegistered([first, ...others]: readonly Instance[]): DeclarationProblem | undefined {
  if (!first) return undefined;
  const { plugin, version, instanceId } = first.registration;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const message = `${plugin} ${version} sends heartbeats as the instance ${instanceId}${more} and needs no declaration; see the Plugin of that name`;
  return { reason: 'BeatsByItself', message };
}
