import { messageOf } from '../errors.ts';
import type { Instance } from '../registry/instance.ts';
import type { DeclarationReference } from '../registry/registration.ts';
import type { DeclarationReport } from '../resources/declared-plugin.ts';
import type { DeclarationProblem, DeclaredEndpoint, PluginDeclaration } from '../resources/plugin-declarations.ts';
import { EndpointProbe, type ProbeParts } from './endpoint-probe.ts';
import { ProbeFailure } from './probe-failure.ts';
import { checkAddress } from './read-info.ts';
import { isNamed, resolveAddress } from './resolve-address.ts';

/** One declared plugin: a probe for each of its endpoints. */
export class PluginProbe {
  readonly #parts: ProbeParts;
  readonly #onReport: (report: DeclarationReport) => void;
  readonly #endpoints = new Map<string, EndpointProbe>();
  #declaration: PluginDeclaration;
  #unresolved: ProbeFailure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #followed: Promise<void>;
  #resolutions = 0;
  #said = '';
  #stopped = false;

  /** @param onReport told what came of it whenever that changes. */
  constructor(declaration: PluginDeclaration, parts: ProbeParts, onReport: (report: DeclarationReport) => void) {
    this.#declaration = declaration;
    this.#parts = parts;
    this.#onReport = onReport;
    this.#followed = this.#follow();
  }

  /** Fulfilled when each endpoint that it has now has been asked once. */
  async asked(): Promise<void> {
    await this.#followed;
    await Promise.all([...this.#endpoints.values()].map(({ asked }) => asked));
  }

  /** The probes of its endpoints. */
  get endpoints(): Iterable<EndpointProbe> {
    return this.#endpoints.values();
  }

  update(declaration: PluginDeclaration): void {
    this.#declaration = declaration;
    this.#followed = this.#follow();
  }

  /** The declaration is gone, and its instances with it. */
  leave(reason: string): void {
    this.stop();
    for (const endpoint of this.#endpoints.values()) endpoint.leave(reason);
    this.#endpoints.clear();
  }

  /** Asks no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const endpoint of this.#endpoints.values()) endpoint.stop();
  }

  /** Probes what the declaration says now; names are looked up anew as long as it says them. */
  async #follow(): Promise<void> {
    const { endpoints } = this.#declaration;
    clearTimeout(this.#timer);
    const resolution = ++this.#resolutions;
    let resolved: readonly DeclaredEndpoint[] = endpoints;
    this.#unresolved = undefined;
    // What is given as numbers is taken at once, so that changes are taken in the order in which they came.
    if (endpoints.some(({ address }) => isNamed(address))) {
      resolved = await this.#resolve(endpoints);
      if (this.#stopped || resolution !== this.#resolutions) return;
      this.#timer = setTimeout(() => void this.#follow(), this.#parts.terms.interval).unref();
    }
    this.#apply(resolved);
    this.#report();
  }

  async #resolve(endpoints: readonly DeclaredEndpoint[]): Promise<DeclaredEndpoint[]> {
    const resolved: DeclaredEndpoint[] = [];
    for (const endpoint of endpoints) {
      try {
        // The API server may be known by a name.
        if (isNamed(endpoint.address)) checkAddress(endpoint.address, this.#parts.reader);
        const addresses = await resolveAddress(endpoint.address);
        resolved.push(...addresses.map((address) => ({ ...endpoint, address })));
      } catch (error) {
        if (!(error instanceof ProbeFailure)) throw error;
        this.#unresolved = error;
      }
    }
    return resolved;
  }

  #apply(endpoints: readonly DeclaredEndpoint[]): void {
    const { expected, source, record } = this.#declaration;
    const reference: DeclarationReference = { source, ...record };
    const present = new Set(endpoints.map(({ address }) => address));
    for (const [address, probe] of this.#endpoints) {
      if (present.has(address)) continue;
      this.#endpoints.delete(address);
      probe.leave(source === 'service' ? 'its endpoint is gone' : 'it is not declared any more');
    }
    for (const endpoint of endpoints) {
      const known = this.#endpoints.get(endpoint.address);
      if (known) known.update(endpoint, expected);
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
    // That an instance has answered once more is no news.
    const said = JSON.stringify(report);
    if (said === this.#said) return;
    this.#said = said;
    this.#onReport(report);
  }

  #problem(): DeclarationProblem | undefined {
    const { problem } = this.#declaration;
    if (problem) return problem;
    const probes = [...this.#endpoints.values()];
    const hasAnswered = probes.some(({ isAsked, failure }) => isAsked && !failure);
    const failures = probes
      .flatMap(({ failure }) => failure ?? [])
      // A name may have an IPv4 and an IPv6 address of one process.
      .filter(({ reason }) => !(this.#declaration.source === 'address' && reason === 'InstanceKnown' && hasAnswered));
    const first = this.#unresolved ?? failures[0];
    if (first) {
      const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
      return { reason: first.reason, message: `${messageOf(first)}${more}` };
    }
    if (probes.some(({ isAsked }) => !isAsked)) return { reason: 'Asking', message: 'it is being asked what it is' };
    return describeBeating(probes.flatMap(({ beating }) => beating ?? []));
  }
}

/** That a plugin needs no declaration isn't wrong, but its instances are elsewhere. */
function describeBeating([first, ...others]: readonly Instance[]): DeclarationProblem | undefined {
  if (!first) return undefined;
  const { plugin, version, instanceId } = first.registration;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const message = `${plugin} ${version} beats by itself, as the instance ${instanceId}${more}, and needs no declaration; see the Plugin of that name`;
  return { reason: 'BeatsByItself', message };
}
