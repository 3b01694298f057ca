import { AssertionError } from 'node:assert';
import { pino } from 'pino';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller-options.ts';
import type { DelegationDeclaration } from './delegation/declaration.ts';
import { limits } from './limits/limits.ts';
import { type Manifest, MemoryResources } from './memory.ts';
import { readConditions } from './resources/conditions.ts';
import { describeReference, formatKey, type Resource, type ResourceReference } from './resources/resource.ts';

/**
 * Options of an operator in a test: those of a controller. Differing defaults: a free port for heartbeats, no admin port, no log, and
 * delegations that retry and call again after milliseconds.
 */
export interface OperatorTestOptions extends Partial<Omit<ControllerOptions, 'resources' | 'delegations'>> {
  delegations: readonly DelegationDeclaration[];
  /** Resources of the operator. Default: none exist. */
  resources?: MemoryResources;
}

/** Resource of a test: a manifest, a resource, or what identifies one. The default namespace is `default`. */
export interface TestedResource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** Plugin that is being served, as `serve` of `@kplug/sdk` returns it. */
export interface ServedPlugin {
  readonly registered: boolean;
  stop(): Promise<void>;
}

/** Condition to wait for. Fields that are left out don't matter. */
export interface ExpectedCondition {
  type: string;
  status?: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
}

/** Options of waiting. */
export interface WaitOptions {
  /** Longest time to wait, in milliseconds. Default 10,000. */
  timeout?: number;
}

const { waitTimeout, pollInterval, backOffInitial, backOffMax, minRequeueInterval } = limits.testingOperators;

/** Delays of a delegation in a test. */
const quickDelegation = { backOff: { initial: backOffInitial, max: backOffMax }, minRequeueInterval };

/**
 * Operator in the process of a test, on resources in memory. Plugins are called over sockets, as on a cluster.
 *
 *     await using operator = await OperatorTest.start({ delegations: [delegation] });
 *     await operator.serve(plugin);
 *     const table = operator.apply(manifest);
 *     const { status } = await operator.waitForCondition(table, { type: 'Ready', status: 'True' });
 */
export class OperatorTest implements AsyncDisposable {
  readonly resources: MemoryResources;
  readonly controller: Controller;
  readonly #plugins = new Set<ServedPlugin>();

  /** Makes an operator that does not run yet. Throws `InvalidConfiguration`. */
  constructor({ delegations, resources = new MemoryResources(), ...options }: OperatorTestOptions) {
    this.resources = resources;
    this.controller = new Controller({
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger: pino({ level: 'silent' }),
      ...options,
      resources,
      delegations: delegations.map((delegation) => ({ ...quickDelegation, ...delegation })),
    });
  }

  /** Makes and starts an operator. Rejects with `InvalidConfiguration`, or as `start` of a controller does. */
  static async start(options: OperatorTestOptions): Promise<OperatorTest> {
    const operator = new OperatorTest(options);
    await operator.controller.start();
    return operator;
  }

  /**
   * Serves a plugin in this process, and waits until it is registered. It stops with the operator. Rejects as `serve` of the plugin does, and
   * with an `AssertionError` if it is not registered in time.
   *
   * @param options of `serve` of the plugin.
   */
  async serve<P extends ServedPlugin, O extends object>(
    plugin: { serve(options?: O): Promise<P> },
    options?: O,
  ): Promise<P> {
    const controller = this.controller.heartbeatAddress;
    const given = { controller, logLevel: 'silent', handleSignals: false, ...options };
    const served = await plugin.serve(given as unknown as O);
    this.#plugins.add(served);
    await this.#waitForRegistration(served);
    return served;
  }

  /** Creates or changes a resource as a user would with `kubectl apply`. Throws `InvalidManifest`. */
  apply(manifest: Manifest): Resource {
    return this.resources.apply(manifest);
  }

  /** Deletes a resource as a user would. It is gone when the plugin has finalized it. */
  delete(resource: TestedResource): void {
    this.resources.delete(formatKey(referenceTo(resource)));
  }

  /** Returns a resource as it is now; `undefined` if it does not exist. */
  get(resource: TestedResource): Resource | undefined {
    return this.resources.get(formatKey(referenceTo(resource)));
  }

  /**
   * Waits until a condition of a resource is as expected, in the current generation of the resource, and returns the resource. Rejects with an
   * `AssertionError` that lists the conditions.
   */
  waitForCondition(resource: TestedResource, expected: ExpectedCondition, options?: WaitOptions): Promise<Resource> {
    const wanted = formatCondition(expected);
    return this.#waitFor(resource, options, `has no condition ${wanted}`, (current) =>
      current && hasCondition(current, expected) ? current : undefined,
    );
  }

  /** Waits until a resource passes a test, and returns it. Rejects with an `AssertionError` that lists the conditions. */
  waitFor(resource: TestedResource, test: (resource: Resource) => boolean, options?: WaitOptions): Promise<Resource> {
    return this.#waitFor(resource, options, 'does not pass the test', (current) =>
      current && test(current) ? current : undefined,
    );
  }

  /** Waits until a resource is gone. Rejects with an `AssertionError` that lists the conditions. */
  async waitForDeletion(resource: TestedResource, options?: WaitOptions): Promise<void> {
    await this.#waitFor(resource, options, 'is not gone', (current) => current === undefined || undefined);
  }

  /** Stops the plugins, and then the operator. Rejects as `stop` of a plugin does; the operator has stopped then, too. */
  async stop(): Promise<void> {
    try {
      await Promise.all(Array.from(this.#plugins, (plugin) => plugin.stop()));
    } finally {
      await this.controller.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Waits until `read` returns a value for a resource, which is `undefined` while it does not exist. */
  #waitFor<T>(
    resource: TestedResource,
    { timeout = waitTimeout }: WaitOptions = {},
    problem: string,
    read: (current: Resource | undefined) => T | undefined,
  ): Promise<T> {
    const reference = referenceTo(resource);
    return waitUntil({
      timeout,
      read: () => read(this.get(resource)),
      subscribe: (check) => {
        const ended = new AbortController();
        void this.resources.follow(reference, check, { signal: ended.signal });
        return () => ended.abort();
      },
      describe: () =>
        `${describeReference(reference)} ${problem} after ${timeout} ms; ${describeState(this.get(resource))}`,
    });
  }

  #waitForRegistration(served: ServedPlugin): Promise<true> {
    return waitUntil({
      timeout: waitTimeout,
      read: () => served.registered || undefined,
      subscribe: (check) => {
        const timer = setInterval(check, pollInterval);
        return () => clearInterval(timer);
      },
      describe: () =>
        `the plugin is not registered after ${waitTimeout} ms; its log says why: serve it with a logLevel`,
    });
  }
}

interface Waiting<T> {
  timeout: number;
  /** Returns what is waited for; `undefined` if it isn't there yet. */
  read: () => T | undefined;
  /** Calls `check` after each change. Returns a function that ends that. */
  subscribe: (check: () => void) => () => void;
  /** Says what is missing. */
  describe: () => string;
}

function waitUntil<T>({ timeout, read, subscribe, describe }: Waiting<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const check = () => {
    try {
      const value = read();
      if (value !== undefined) resolve(value);
    } catch (error) {
      // The test of a test may fail; a listener must not.
      reject(error);
    }
  };
  const unsubscribe = subscribe(check);
  const timer = setTimeout(() => reject(new AssertionError({ message: describe() })), timeout);
  check();
  return promise.finally(() => {
    clearTimeout(timer);
    unsubscribe();
  });
}

function referenceTo({
  apiVersion,
  kind,
  metadata: { name, namespace = 'default' },
}: TestedResource): ResourceReference {
  return { apiVersion, kind, namespace, name };
}

function hasCondition({ status, metadata }: Resource, expected: ExpectedCondition): boolean {
  return readConditions(status).some(
    ({ observedGeneration, ...condition }) =>
      (observedGeneration === undefined || observedGeneration === metadata.generation) &&
      Object.entries(expected).every(([field, value]) => condition[field as keyof ExpectedCondition] === value),
  );
}

function formatCondition({ type, status, reason, message }: ExpectedCondition): string {
  const known = [type, status, reason].filter(Boolean).join(' ');
  return message ? `${known}: ${message}` : known;
}

function describeState(resource: Resource | undefined): string {
  if (!resource) return 'it does not exist';
  const conditions = readConditions(resource.status).map(formatCondition);
  return conditions.length === 0 ? 'it has no conditions' : `its conditions are ${conditions.join('; ')}`;
}
