import { printable } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { groupOf, parseKey, type ResourceKey } from '../resources/resource.ts';
import type { KnownBase } from './known-base.ts';

const { maxSentenceLength } = limits.states;

/** Makes a text of any origin one bounded sentence that ends with a full stop. */
export function sentence(text: string): string {
  const cut = printable(text, maxSentenceLength);
  return /[.!?…]$/.test(cut) ? cut : `${cut}.`;
}

/** Returns the arguments by which commands of `kplug` name a resource: `Table/users -n default`. */
export function argumentsFor({ base: { kind, metadata } }: Pick<KnownBase, 'base'>): string {
  const { namespace, name } = metadata;
  return namespace ? `${kind}/${name} -n ${namespace}` : `${kind}/${name}`;
}

/** Returns the arguments by which commands of `kubectl` name a resource: `statefulset.apps users -n default`. */
export function kubectlArgumentsFor(key: ResourceKey): string {
  const { apiVersion, kind, namespace, name } = parseKey(key);
  const group = groupOf(apiVersion);
  return `${kind.toLowerCase()}${group && `.${group}`} ${name}${namespace && ` -n ${namespace}`}`;
}

/** Formats a kind for people: `Table (myorg.org/v1)`. */
export function formatKind({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  return `${kind} (${apiVersion})`;
}
