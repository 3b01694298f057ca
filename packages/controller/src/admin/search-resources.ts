import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ResourceState, SearchResourcesRequest, SearchResourcesResponseSchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { IndexedBase } from '../delegation/states/base-index.ts';
import type { BaseState } from '../delegation/states/base-state.ts';
import { limits } from '../limits/limits.ts';
import { PluginName } from '../names.ts';
import { sortSliced } from '../paging/sort-sliced.ts';
import { Pace } from '../queue/slices.ts';
import { parseKey, type ResourceKey } from '../resources/resource.ts';
import { describeListed, type ListedResource, resourceStates } from './describe-resource.ts';
import { kindCause } from './kind-cause.ts';

const { searchLimit, maxSearchLimit, maxSearchLength } = limits.states;

/** Searches the base resources of all delegations. Their order is kept while none is added or removed. */
export class ResourceSearch {
  readonly #delegations: () => Iterable<Delegation>;
  #sorted: { basis: Basis; entries: Promise<readonly ListedResource[]> } | undefined;

  constructor(delegations: () => Iterable<Delegation>) {
    this.#delegations = delegations;
  }

  /** Returns a part of the resources that match, and the number of all that do. Throws `invalid_argument`. */
  async search(request: SearchResourcesRequest): Promise<MessageInitShape<typeof SearchResourcesResponseSchema>> {
    const matches = matcherOf(request);
    const { offset } = request;
    const size = Math.min(request.limit || searchLimit, maxSearchLimit);
    const found: ListedResource[] = [];
    let total = 0;
    const pace = new Pace();
    for (const entry of await this.#entries()) {
      if (matches(entry)) {
        if (total >= offset && found.length < size) found.push(entry);
        total++;
      }
      if (pace.isOver()) await pace.pause();
    }
    return { resources: describeListed(found), total };
  }

  /** Returns all resources, ordered by key. Searches at the same time share the work of ordering. */
  #entries(): Promise<readonly ListedResource[]> {
    const basis = [...this.#delegations()].map((delegation) => ({ delegation, members: delegation.index.membership }));
    if (!this.#sorted || !isSameBasis(this.#sorted.basis, basis)) {
      this.#sorted = { basis, entries: sortEntries(basis) };
    }
    return this.#sorted.entries;
  }
}

/** Delegations, and numbers of changes, that the order depends on. */
type Basis = readonly { delegation: Delegation; members: number }[];

function isSameBasis(a: Basis, b: Basis): boolean {
  return (
    a.length === b.length &&
    a.every(({ delegation, members }, index) => b[index]?.delegation === delegation && b[index].members === members)
  );
}

async function sortEntries(basis: Basis): Promise<ListedResource[]> {
  const entries: ListedResource[] = [];
  const pace = new Pace();
  for (const { delegation } of basis) {
    for (const key of delegation.index.keys()) {
      entries.push({ key, delegation });
      if (pace.isOver()) await pace.pause();
    }
  }
  return sortSliced(entries, (a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1));
}

/** Returns a function that reports whether a resource matches. Throws `invalid_argument`. */
function matcherOf(request: SearchResourcesRequest): (entry: ListedResource) => boolean {
  const { delegation: name, namespace, cause, plugin, text } = request;
  if (text.length > maxSearchLength) {
    throw new ConnectError(`the text has more than ${maxSearchLength} characters`, Code.InvalidArgument);
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const states = new Set<ResourceState>(request.states);
  const wanted = plugin ? new PluginName(plugin) : undefined;
  const matchesState = ({ key, delegation }: ListedResource, indexed: IndexedBase) => {
    const { state, causeId } = stateNow(indexed, delegation);
    if (states.size > 0 && !states.has(resourceStates[state.state])) return false;
    return (cause === '' || causeId === cause) && (words.length === 0 || hasWords(key, state, words));
  };
  return (entry) => {
    const { key, delegation } = entry;
    if (name && delegation.settings.name !== name) return false;
    const indexed = delegation.index.get(key);
    if (!indexed || (namespace && indexed.namespace !== namespace)) return false;
    return matchesState(entry, indexed) && (!wanted || isHeldBy(key, delegation, wanted));
  };
}

/** Returns the state of a resource, which is not known while its kind can't be read. */
function stateNow(indexed: IndexedBase, delegation: Delegation) {
  const own = { state: indexed as BaseState, causeId: indexed.cause?.id ?? '' };
  const { problem } = delegation;
  if (!problem || indexed.state === 'deleting' || indexed.state === 'paused') return own;
  return {
    state: { ...own.state, state: 'failing', ...problem } as BaseState,
    causeId: kindCause(delegation, problem),
  };
}

function isHeldBy(key: ResourceKey, delegation: Delegation, wanted: PluginName): boolean {
  const base = delegation.get(key);
  return base !== undefined && delegation.holders.holdersOf(base).some(({ plugin }) => plugin.equals(wanted));
}

function hasWords(key: ResourceKey, { reason, message }: BaseState, words: readonly string[]): boolean {
  const { kind, namespace, name } = parseKey(key);
  const content = `${kind} ${namespace} ${name} ${reason} ${message}`.toLowerCase();
  return words.every((word) => content.includes(word));
}
