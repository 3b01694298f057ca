import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import type { KindProblem } from '../port.ts';
import { groupOf } from '../resource.ts';
import { ApiError } from './api-error.ts';
import type { Discovery, ServedKind } from './discovery.ts';
import { KindCache, type KindCacheOptions } from './kind-cache.ts';
import { missingRule } from './missing-rule.ts';
import { KindMissingError, Reflector, type ReflectorError, type ReflectorListener } from './reflector.ts';
import type { Transport } from './transport.ts';
import { UnreadableEventError } from './watch-stream.ts';

/** Number of failures in a row that are reported as a problem. Fewer may be a cut connection. */
const { failuresUntilProblem } = limits.kubernetes;

/** Number of times that a known kind must be absent to count as gone. A server that is starting may not list it yet. */
const { absencesUntilGone } = limits.kubernetes;

/** Options of a kind follower. */
export interface KindFollowerOptions extends KindCacheOptions {
  /** Empty for all namespaces. */
  namespaces: readonly string[];
  transport: Transport;
  discovery: Discovery;
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
  /** Receives the problem when it changes; `undefined` when it is solved. */
  onProblem: (problem: KindProblem | undefined) => void;
  /** Receives an unreadable event, and the number of such events so far. */
  onUnreadable: (error: UnreadableEventError, count: number) => void;
}

/** Follows one kind: one watch per namespace, or one for all, and one cache for all listeners. */
export class KindFollower {
  readonly cache: KindCache;
  readonly #options: KindFollowerOptions;
  readonly #reflectors: readonly Reflector[];
  readonly #problems = new Map<Reflector, KindProblem>();
  readonly #unlisted: Set<Reflector>;
  readonly #known = Promise.withResolvers<void>();
  #problem: KindProblem | undefined;
  #unreadable = 0;

  constructor(options: KindFollowerOptions) {
    this.#options = options;
    this.cache = new KindCache(options);
    const scopes = options.namespaces.length > 0 ? options.namespaces : [undefined];
    this.#reflectors = scopes.map((namespace) => this.#makeReflector(namespace));
    this.#unlisted = new Set(this.#reflectors);
    // The promise may reject without a waiter.
    this.#known.promise.catch(() => undefined);
    for (const reflector of this.#reflectors) reflector.start();
  }

  /** Fulfilled once all resources are in the cache or can't be read for now. Rejects with `Stopped`. */
  get known(): Promise<void> {
    return this.#known.promise;
  }

  /** Reason why resources can't be read, if there is one. */
  get problem(): KindProblem | undefined {
    return this.#problem;
  }

  /** True for a kind with namespaces; `undefined` while that is unknown. */
  get isNamespaced(): boolean | undefined {
    return this.#reflectors.find(({ served }) => served)?.served?.namespaced;
  }

  async stop(): Promise<void> {
    this.#known.reject(new KplugError('Stopped', 'Resources are no longer followed: they were closed.'));
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  #makeReflector(namespace: string | undefined): Reflector {
    let absences = 0;
    const listener: ReflectorListener = {
      onListed: () => {
        absences = 0;
        this.#unlisted.delete(reflector);
        this.#setProblem(reflector, undefined);
      },
      onHealthy: () => this.#setProblem(reflector, undefined),
      onFailure: async (error, failures, served) => {
        if (error instanceof UnreadableEventError) {
          this.#unreadable += 1;
          this.#options.onUnreadable(error, this.#unreadable);
        }
        absences = error instanceof KindMissingError ? absences + 1 : 0;
        const isNew = this.#unlisted.has(reflector);
        if (error instanceof KindMissingError && !isNew && absences < absencesUntilGone) return;
        const problem = this.#problemOf(error, failures, namespace, served);
        if (problem) this.#setProblem(reflector, problem);
        if (error instanceof KindMissingError) await this.cache.clear();
      },
    };
    const { kind, transport, discovery, watchDuration } = this.#options;
    const { cache } = this;
    const reflector = new Reflector({ kind, namespace, transport, discovery, cache, listener, watchDuration });
    return reflector;
  }

  #problemOf(
    error: ReflectorError,
    failures: number,
    namespace: string | undefined,
    served: ServedKind | undefined,
  ): KindProblem | undefined {
    const { apiVersion, kind } = this.#options.kind;
    const { server } = this.#options.transport;
    if (error instanceof KindMissingError) {
      const message = `the cluster has no kind ${kind} in ${apiVersion}; apply its CustomResourceDefinition`;
      return { reason: 'KindNotFound', message };
    }
    const reason = error instanceof ApiError ? error.reason : undefined;
    if (reason === 'Forbidden' && served) {
      const scope = served.namespaced ? namespace : undefined;
      const right = { group: groupOf(apiVersion), resource: served.plural, verbs: ['list', 'watch'], namespace: scope };
      return { reason: 'Forbidden', message: `${missingRule(right)}; API server: ${error.message}` };
    }
    if (reason === 'Unauthorized' || reason === 'Forbidden') {
      return { reason: 'Forbidden', message: `${server} doesn't accept the credentials: ${error.message}` };
    }
    if (failures < failuresUntilProblem) return undefined;
    const message = `${kind} (${apiVersion}) can't be read from ${server}: ${error.message}; retrying`;
    return { reason: 'Unreachable', message };
  }

  #setProblem(reflector: Reflector, problem: KindProblem | undefined): void {
    if (problem) this.#problems.set(reflector, problem);
    else this.#problems.delete(reflector);
    const [first] = this.#problems.values();
    if (first?.reason !== this.#problem?.reason || first?.message !== this.#problem?.message) {
      this.#problem = first;
      this.#options.onProblem(first);
    }
    const isKnown = [...this.#unlisted].every((unlisted) => this.#problems.has(unlisted));
    if (isKnown) this.#known.resolve();
  }
}
