import { formatJson } from '@kplug/protocol';
import type { Logger } from 'pino';
import { visitAll } from '../../queue/slices.ts';
import type { KindProblem } from '../port.ts';
import type { Resource, ResourceKind } from '../resource.ts';
import type { DeclarationListener, PluginDeclaration, PluginDeclarations } from '../services/plugin-declarations.ts';
import { type FoundEndpoints, findEndpoints, type ServiceReference } from './declared-service.ts';
import type { Discovery } from './discovery.ts';
import { KindFollower } from './kind-follower.ts';
import { type ReadDeclaration, readLabelled, readPlugin } from './read-declaration.ts';
import type { Transport } from './transport.ts';

/** Parts that following declared plugins needs. */
export interface PluginFollowerParts {
  transport: Transport;
  discovery: Discovery;
  /** Namespaces in which plugins are declared. */
  namespaces: readonly string[];
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
  logger: Logger;
}

const kinds = {
  plugins: { apiVersion: 'plugins.kplug.dev/v1alpha1', kind: 'Plugin' },
  services: { apiVersion: 'v1', kind: 'Service' },
  slices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
} as const;

type Followed = Record<keyof typeof kinds, KindFollower>;

/** Label of an EndpointSlice with the name of its Service. */
const serviceLabel = 'kubernetes.io/service-name';

/** Follows `Plugin` resources of users, Services that are labelled as plugins, and their endpoints. */
export class PluginFollower implements PluginDeclarations {
  readonly #parts: PluginFollowerParts;
  #followed: Followed | undefined;
  #listener: DeclarationListener | undefined;
  /** Declarations that the listener received last, with their text. */
  readonly #announced = new Map<string, { text: string; declaration: PluginDeclaration }>();
  #isDue = false;
  #isKnown = false;
  /** Fulfilled when no review is in progress. */
  #reviewed = Promise.resolve();

  constructor(parts: PluginFollowerParts) {
    this.#parts = parts;
  }

  async follow(listener: DeclarationListener): Promise<void> {
    this.#listener = listener;
    const followed = {
      plugins: this.#start(kinds.plugins),
      services: this.#start(kinds.services),
      slices: this.#start(kinds.slices),
    };
    this.#followed = followed;
    await Promise.all(Object.values(followed).map(({ known }) => known));
    // Nothing is announced earlier: an incomplete cache looks as if objects were missing.
    this.#isKnown = true;
    await this.#reviewNext();
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    await Promise.all(Object.values(this.#followed ?? {}).map((follower) => follower.stop()));
  }

  #start(kind: ResourceKind): KindFollower {
    const { logger, ...parts } = this.#parts;
    return new KindFollower({
      ...parts,
      kind,
      isBeingWritten: () => false,
      onChange: () => this.#reviewSoon(),
      onProblem: (problem) => {
        if (problem) logger.warn({ reason: problem.reason }, `declared plugins can't be followed: ${problem.message}`);
        this.#reviewSoon();
      },
      onUnreadable: (error) =>
        logger.error({ err: error }, `the API server sent ${error.message}; listing ${kind.kind} again`),
    });
  }

  /** Schedules a review. Several changes in quick succession share one. */
  #reviewSoon(): void {
    if (this.#isDue || !this.#isKnown) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      void this.#reviewNext();
    });
  }

  /** Reviews when the former review has ended. */
  #reviewNext(): Promise<void> {
    this.#reviewed = this.#reviewed.then(() => this.#review());
    return this.#reviewed;
  }

  /** Announces declarations that are new, changed or gone. */
  async #review(): Promise<void> {
    if (!this.#followed) return;
    const declarations = await this.#declarations(this.#followed);
    // A cache that can't be read is no reason to drop plugins.
    if (!this.#listener || isLost(this.#followed.plugins.problem)) return;
    const present = new Map(declarations.map((one) => [keyOf(one), one]));
    for (const [key, { declaration }] of this.#announced) {
      if (present.has(key)) continue;
      this.#announced.delete(key);
      this.#listener(declaration, true);
    }
    for (const [key, declaration] of present) {
      const text = formatJson(declaration);
      if (this.#announced.get(key)?.text === text) continue;
      this.#announced.set(key, { text, declaration });
      this.#listener(declaration, false);
    }
  }

  /** Reads all declarations in slices: a cluster may have very many Services. */
  async #declarations(followed: Followed): Promise<PluginDeclaration[]> {
    const { plugins, services, slices } = followed;
    const written = await flatMapAll(plugins.cache.values(), (plugin) => withNamespace(plugin, readPlugin(plugin)));
    const names = new Set(written.flatMap((one) => [serviceKey(one), `plugin ${one.namespace}/${one.name}`]));
    const found = await flatMapAll(services.cache.values(), (service) => withNamespace(service, readLabelled(service)));
    // A Plugin for the Service takes precedence over its label.
    const labelled = found.filter((one) => {
      return !names.has(serviceKey(one)) && !names.has(`plugin ${one.namespace}/${one.name}`);
    });
    const byService = new Map<string, Resource[]>();
    await visitAll(slices.cache.values(), (slice) => {
      const { namespace, labels } = slice.metadata;
      const service = `${namespace}/${labels?.[serviceLabel]}`;
      const ofService = byService.get(service);
      if (ofService) ofService.push(slice);
      else byService.set(service, [slice]);
    });
    return [...written, ...labelled].map(({ namespace, name, expected, place, generation, spec, tls, insecure }) => ({
      record: { namespace, name },
      source: 'service' in place ? 'service' : 'address',
      expected,
      ...(generation !== undefined && { generation }),
      ...(spec && { spec }),
      ...(tls && { tls: { serverName: serverNameOf(place, namespace), ...tls } }),
      ...(insecure && { insecure }),
      ...('service' in place
        ? this.#find(followed, namespace, place.service, byService)
        : { endpoints: [{ address: place.address, state: 'ready' as const }] }),
    }));
  }

  #find(
    { services, slices }: Followed,
    namespace: string,
    reference: ServiceReference,
    byService: ReadonlyMap<string, readonly Resource[]>,
  ): FoundEndpoints {
    const service = services.cache.get(namespace, reference.name);
    const found = findEndpoints(reference, service, byService.get(`${namespace}/${reference.name}`) ?? []);
    // Endpoints in a cache that can't be updated may still be valid.
    const problem = services.problem ?? slices.problem;
    return problem && found.problem ? { ...found, problem } : found;
  }
}

/** Returns the name that the certificate of a declared plugin must have, unless the declaration sets another one. */
function serverNameOf(place: ReadDeclaration['place'], namespace: string): string {
  if ('service' in place) return `${place.service.name}.${namespace}.svc`;
  return place.address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isLost(problem: KindProblem | undefined): boolean {
  return problem !== undefined && problem.reason !== 'KindNotFound';
}

function withNamespace(
  { metadata }: Resource,
  read: ReadDeclaration | undefined,
): (ReadDeclaration & { namespace: string })[] {
  return read ? [{ ...read, namespace: metadata.namespace ?? '' }] : [];
}

function serviceKey({ namespace, place }: ReadDeclaration & { namespace: string }): string {
  return 'service' in place ? `service ${namespace}/${place.service.name}` : '';
}

function keyOf({ record }: PluginDeclaration): string {
  return `${record.namespace}/${record.name}`;
}

/** Maps items in slices, as `Array.flatMap` does. */
async function flatMapAll<T, U>(items: Iterable<T>, map: (item: T) => readonly U[]): Promise<U[]> {
  const mapped: U[] = [];
  await visitAll(items, (item) => mapped.push(...map(item)));
  return mapped;
}
