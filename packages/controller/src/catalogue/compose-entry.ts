import type { DelegationSettings } from '../delegation/delegation-settings.ts';
import { limits } from '../limits/limits.ts';
import { formatPlugin } from '../names.ts';
import type { CatalogueEntry } from '../resources/cluster-services.ts';
import { type ConditionContent, readConditions, stampCondition } from '../resources/conditions.ts';
import { cutText } from '../resources/cut-text.ts';
import { jsonObjectsIn } from '../resources/json.ts';
import { groupOf, type JsonObject } from '../resources/resource.ts';
import { newestFirst } from '../selection/capability.ts';
import type { Offer, Provider } from './collect-offers.ts';
import { entryNameOf } from './entry-name.ts';

const { maxProviders, maxVersions, maxKinds, maxNamespaces, maxTextLength } = limits.catalogue;

/** Earlier version of an entry, for its spelling and transition times. */
type Former = { readonly spec?: JsonObject; readonly status?: JsonObject } | undefined;

/** A provider with what an entry lists of it. */
interface ListedProvider {
  plugin: string;
  isAvailable: boolean;
  versions: string[];
  delegations: DelegationSettings[];
  json: JsonObject;
}

/** Composes the entry of a capability. */
export function composeEntry(offer: Offer, operator: string, former: Former): CatalogueEntry {
  const providers = listProviders(offer);
  const available = providers.filter(({ isAvailable }) => isAvailable);
  // A version that can't be had now isn't one to ask for, unless there is no other.
  const shown = available.length > 0 ? available : providers;
  const plugins = [...new Set(shown.map(({ plugin }) => plugin))].join(', ');
  const takers = [...new Set(providers.flatMap(({ delegations }) => delegations))].sort(byName).slice(0, maxKinds);
  const spell = (field: 'category' | 'type') => {
    const spelling = former?.spec?.[field];
    // Plugins may spell it in several ways, and come and go.
    return String(spelling).toLowerCase() === offer[field].toLowerCase() ? String(spelling) : offer[field];
  };
  return entryOf(
    { category: spell('category'), type: spell('type'), operator },
    {
      available: available.length > 0 ? 'True' : 'False',
      versions: inOneLine(sortVersions(shown.flatMap(({ versions }) => versions)).join(', ')),
      plugins: inOneLine(plugins),
      kinds: inOneLine([...new Set(takers.map(kindOf))].join(', ')),
      providers: providers.map(({ json }) => json),
      requestedBy: takers.map(describeTaker),
    },
    available.length > 0
      ? { type: 'Available', status: 'True', reason: 'Provided', message: `it is provided by ${plugins}` }
      : {
          type: 'Available',
          status: 'False',
          reason: 'NoLiveInstance',
          message: `no instance of ${plugins} gets calls`,
        },
    former,
  );
}

/** Composes the entry of a capability that nobody provides any more. */
export function composeGone({ spec, status }: CatalogueEntry): CatalogueEntry {
  const { conditions: _, ...rest } = status;
  const providers = jsonObjectsIn(status.providers).map((one) => ({ ...one, available: 'False', instances: '0/0' }));
  const { category, type, operator } = spec;
  return entryOf(
    { category: String(category), type: String(type), operator: String(operator) },
    { ...rest, available: 'False', providers },
    { type: 'Available', status: 'False', reason: 'NotProvided', message: 'no plugin provides it any more' },
    { status },
  );
}

/** Reports whether an entry lacks an available plugin, a version of it or a kind that the stored one has. */
export function losesAnything(stored: JsonObject, next: JsonObject | undefined): boolean {
  const kept = new Set(claimsOf(next ?? {}));
  return claimsOf(stored).some((claim) => !kept.has(claim));
}

function claimsOf(status: JsonObject): string[] {
  const available = jsonObjectsIn(status.providers).filter((one) => one.available === 'True');
  return [
    ...available.map(({ plugin, version, api, versions, delegations }) =>
      JSON.stringify([plugin, version, api, versions, delegations]),
    ),
    ...jsonObjectsIn(status.requestedBy).map(({ delegation }) => `delegation ${delegation}`),
  ];
}

function entryOf(
  { category, type, operator }: { category: string; type: string; operator: string },
  status: JsonObject,
  condition: ConditionContent,
  former: Former,
): CatalogueEntry {
  return {
    name: entryNameOf({ category, type, operator }),
    labels: {
      'app.kubernetes.io/managed-by': 'kplug',
      'catalogue.kplug.dev/category': category.toLowerCase(),
      'catalogue.kplug.dev/type': type.toLowerCase(),
      'catalogue.kplug.dev/operator': operator,
    },
    spec: { category, type, operator },
    status: { ...status, conditions: [stampCondition(condition, readConditions(former?.status))] },
  };
}

/** Lists providers, the available ones first: they stay when there are too many. */
function listProviders({ category, type, providers }: Offer): ListedProvider[] {
  const isOfOffer = (one: { category: string; type: string }) =>
    one.category.toLowerCase() === category.toLowerCase() && one.type.toLowerCase() === type.toLowerCase();
  const listed = [...providers.values()].flatMap((provider) => listProvider(provider, isOfOffer));
  const order = (one: ListedProvider) => `${one.isAvailable ? 0 : 1} ${one.plugin} ${one.json.api}`;
  return listed.sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, maxProviders);
}

function listProvider(
  { implementations, delegations }: Provider,
  isOfOffer: (one: { category: string; type: string }) => boolean,
): ListedProvider[] {
  const all = [...implementations];
  const callable = all.filter(({ unavailability }) => unavailability === undefined);
  const [first] = callable.length > 0 ? callable : all;
  if (!first) return [];
  const shown = callable.length > 0 ? callable : all;
  const provided = shown.flatMap(({ api }) => api.provides.filter(isOfOffer));
  const versions = sortVersions(provided.flatMap((one) => one.versions));
  const takers = [...delegations].sort(byName).slice(0, maxKinds);
  const count = (numbers: number[]) => numbers.reduce((sum, one) => sum + one, 0);
  const isAvailable = callable.length > 0;
  return [
    {
      plugin: formatPlugin(first),
      isAvailable,
      versions,
      delegations: takers,
      json: {
        plugin: first.plugin.text,
        version: first.version,
        api: `${first.api.name}@${first.api.version.version}`,
        versions,
        available: isAvailable ? 'True' : 'False',
        instances: `${count(callable.map((one) => one.callable.length))}/${count(all.map(({ size }) => size))}`,
        delegations: takers.map(({ name }) => name),
      },
    },
  ];
}

/** Describes the kind of a delegation, and the fields in which its resources ask for a capability. */
function describeTaker({ name, base, capabilityPaths, namespaces, labels }: DelegationSettings): JsonObject {
  const pathOf = (steps: readonly string[] = []) => `.${steps.join('.')}`;
  return {
    delegation: name,
    apiVersion: base.apiVersion,
    kind: base.kind,
    categoryPath: pathOf(capabilityPaths?.category),
    typePath: pathOf(capabilityPaths?.type),
    versionPath: pathOf(capabilityPaths?.version),
    namespaces: [...(namespaces ?? [])].sort().slice(0, maxNamespaces),
    labels: { ...labels },
  };
}

/** Sorts versions, the oldest first. The newest stay when there are too many. */
function sortVersions(versions: readonly string[]): string[] {
  return newestFirst(versions).slice(0, maxVersions).reverse();
}

function kindOf({ base: { apiVersion, kind } }: DelegationSettings): string {
  const group = groupOf(apiVersion);
  return group ? `${kind}.${group}` : kind;
}

function byName(a: DelegationSettings, b: DelegationSettings): number {
  return a.name < b.name ? -1 : 1;
}

function inOneLine(text: string): string {
  return cutText(text, maxTextLength);
}
