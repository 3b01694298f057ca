import { durationMs } from '@bufbuild/protobuf/wkt';
import { keyOf, type Resource } from '@kplug/controller';
import { findRulesFault, isJsonObject } from '@kplug/controller/tools';
import { DependentPolicy, type Dependents, formatJson, parseJson } from '@kplug/protocol';

/** Reason why a dependent is not ready. */
interface Unready {
  reason: string;
  message: string;
}

/** Dependents of the bases of a wrong controller, which applies them to its memory. ConfigMaps are the only ones that it allows. */
export class WrongDependents {
  readonly #wrong: string;
  readonly #owned = new Map<string, Map<string, Resource>>();
  readonly #retained = new Map<string, Resource>();
  readonly #since = new Map<string, number>();
  readonly #rules = new Map<string, Dependents['rules']>();

  constructor(wrong: string) {
    this.#wrong = wrong;
  }

  /** Returns the dependents of a base as a request has them. */
  of({ metadata: { uid } }: Resource): Record<string, { json: Uint8Array }> {
    const owned = [...(this.#owned.get(uid)?.values() ?? [])];
    return Object.fromEntries(owned.map((one) => [keyOf(one), { json: Buffer.from(formatJson(one)) }]));
  }

  /** Returns why the dependents of an answer are refused. */
  faultOf(dependents: Dependents | undefined): string | undefined {
    if (!dependents || this.#wrong === 'C36') return undefined;
    const manifests = dependents.items.map(read);
    const forbidden = manifests.find(({ kind }) => kind !== 'ConfigMap');
    if (forbidden) return `the kind ${forbidden.kind} is not allowed`;
    const references = manifests.map(({ apiVersion, kind, metadata: { name } }) => ({ apiVersion, kind, name }));
    return findRulesFault(references, dependents.rules);
  }

  /** Applies the dependents of an answer. Returns the reason why one is not ready. */
  apply(base: Resource, dependents: Dependents | undefined): Unready | undefined {
    if (!dependents && this.#wrong !== 'C46 unset') return undefined;
    const { items = [], rules = {} } = dependents ?? {};
    const { uid } = base.metadata;
    const owned = this.#owned.get(uid) ?? new Map<string, Resource>();
    this.#owned.set(uid, owned);
    const manifests = items.map(read);
    const wanted = manifests.filter((one) => this.#isWanted(base, nameOf(one), rules));
    this.#remove(uid, wanted.map(nameOf));
    this.#rules.set(uid, rules);
    for (const manifest of wanted) {
      const { dependsOn = [], policy } = rules[nameOf(manifest)] ?? {};
      const isBlocked = dependsOn.some((other) => !this.#isReady(rules[other]));
      if (isBlocked && this.#wrong !== 'C42') continue;
      const existing = owned.get(nameOf(manifest)) ?? this.#retained.get(nameOf(manifest));
      const isKept = existing && policy === DependentPolicy.CREATE_ONLY && this.#wrong !== 'C42 policy';
      owned.set(nameOf(manifest), isKept ? existing : manifest);
    }
    return this.#report(wanted, rules);
  }

  #report(wanted: readonly Resource[], rules: Dependents['rules']): Unready | undefined {
    const stuck = wanted.map(nameOf).find((name) => !this.#isReady(rules[name]));
    if (stuck === undefined || this.#wrong === 'C42 report') return undefined;
    const since = this.#since.get(stuck) ?? Date.now();
    this.#since.set(stuck, since);
    const timeout = rules[stuck]?.readyTimeout;
    const isLate = timeout && Date.now() > since + durationMs(timeout) && this.#wrong !== 'C50 time';
    return { reason: isLate ? 'DependentTimedOut' : 'DependentsNotReady', message: `${stuck} is not ready` };
  }

  /** Reports whether a dependent is ready, for the expressions of the suite. */
  #isReady({ readyWhen = '' }: { readyWhen?: string } = {}): boolean {
    if (this.#wrong === 'C50') return readyWhen !== 'false';
    return ['', 'true'].includes(readyWhen) || readyWhen.includes('==');
  }

  /** Reports whether a dependent and those that it depends on are wanted. The only expression is `!has(base.spec.withdrawn)`. */
  #isWanted(base: Resource, name: string, rules: Dependents['rules'], before: readonly string[] = []): boolean {
    // A cycle isn't refused if C36 is violated.
    if (before.includes(name)) return true;
    const { includeWhen = '', dependsOn = [] } = rules[name] ?? {};
    const isWithdrawn = isJsonObject(base.spec) && 'withdrawn' in base.spec;
    if (includeWhen !== '' && isWithdrawn && this.#wrong !== 'C42 include') return false;
    return dependsOn.every((other) => this.#isWanted(base, other, rules, [...before, name]));
  }

  #remove(uid: string, wanted: readonly string[]): void {
    const owned = this.#owned.get(uid) ?? new Map<string, Resource>();
    const unwanted = [...owned].filter(([name]) => !wanted.includes(name));
    // A controller in the wrong order deletes one at a time, so that the suite sees it.
    const removed = /order$/.test(this.#wrong) ? unwanted.slice(0, 1) : unwanted;
    for (const [name, manifest] of this.#wrong === 'C46' ? [] : removed) {
      owned.delete(name);
      const isRetained = this.#rules.get(uid)?.[name]?.retain && this.#wrong !== 'C46 retain';
      if (isRetained) this.#retained.set(name, manifest);
    }
  }
}

function read(item: Uint8Array): Resource {
  return parseJson(Buffer.from(item).toString()) as Resource;
}

function nameOf({ kind, metadata }: Resource): string {
  return `${kind}/${metadata.name}`;
}
