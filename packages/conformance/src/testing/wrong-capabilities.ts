import type { Resource } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import type { KnownInstance } from './known-instance.ts';

/** Capability of a call. */
export interface Assigned {
  category: string;
  type: string;
  version: string;
  previousVersion: string;
}

/** Instance to call; `undefined` if there is none. */
interface Chosen {
  plugin: KnownInstance | undefined;
  capability?: Assigned;
}

/** Choice of capabilities by a wrong controller. */
export class WrongCapabilities {
  readonly #wrong: string;
  readonly #held = new Map<string, string>();

  constructor(wrong: string) {
    this.#wrong = wrong;
  }

  /**
   * Returns the latest instance that provides what a base asks for, with the capability. Without a capability in the base, it is the latest
   * instance of all.
   */
  choose(base: Resource, instances: readonly KnownInstance[]): Chosen {
    const spec = isJsonObject(base.spec) ? base.spec : {};
    const latest = instances.at(-1);
    if (spec.category === undefined) return { plugin: latest };
    const wanted = String(spec.version ?? '');
    const held = this.#held.get(base.metadata.uid) ?? '';
    for (const plugin of instances.toReversed()) {
      const offer = plugin.provides.find(({ type }) => type.toLowerCase() === String(spec.type).toLowerCase());
      const version = offer && this.#versionOf(offer.versions, wanted, held);
      if (offer === undefined || version === undefined) continue;
      const previousVersion = this.#wrong === 'C48 previous' ? '' : held;
      const type = this.#wrong === 'C47' ? String(spec.type) : offer.type;
      return { plugin, capability: { category: offer.category, type, version, previousVersion } };
    }
    return { plugin: undefined };
  }

  /** Records a successful call. */
  succeeded(base: Resource, capability: Assigned | undefined): void {
    if (capability) this.#held.set(base.metadata.uid, capability.version);
  }

  #versionOf(versions: readonly string[], wanted: string, held: string): string | undefined {
    if (versions.includes(wanted)) return wanted;
    const [, operator, number = ''] = /^(<|>=)(\d+)$/.exec(wanted) ?? [];
    if (wanted !== '' && operator === undefined) return this.#wrong === 'C49' ? versions[0] : undefined;
    const isAccepted = (one: string) => operator === undefined || Number(one) < Number(number) === (operator === '<');
    const accepted = versions.filter(isAccepted).sort((a, b) => Number(b) - Number(a));
    if (accepted.includes(held) && this.#wrong !== 'C48') return held;
    return this.#wrong === 'C47 newest' ? accepted.at(-1) : accepted[0];
  }
}
