import { create } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { KplugError } from '@kplug/controller';
import {
  type DelegatedResource,
  type Delegation,
  DelegationService,
  EventService,
  type EventType,
  type ExplainResourceResponse,
  type GetLoadResponse,
  type GetSecurityResponse,
  HostingService,
  type ListHostedResponse,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
  type ListRefusalsResponse,
  LoadService,
  type ReadOutputResponse,
  type RecordedEvent,
  RefusalService,
  RegistryService,
  SecurityService,
  type TraceResourceResponse,
  type WatchPluginsResponse,
} from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { findOperator } from './find-operator.ts';
import { noAnswer } from './no-answer.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';

/** Deadline of each request, in milliseconds. */
const timeoutMs = 10_000;

/** Number of items of a page of a list: the most that operators return. */
const pageSize = 1_000;

/** Filter of plugins. An empty field matches all. */
export interface PluginFilter {
  api?: string;
  plugin?: string;
}

/** Filter of Events. An empty field matches all. */
export interface EventFilter {
  /** Kind, or name of a delegation. */
  kind?: string;
  namespace?: string;
  name?: string;
  type?: EventType;
}

/** Events that an operator recorded. */
export interface ListedEvents {
  /** Events, oldest first. */
  events: RecordedEvent[];
  /** Token for the Events that occur later. */
  followToken: string;
  /** Number of Events that the operator left out. */
  dropped: number;
}

/** Client of an operator's admin port. Its methods reject with a `CommandError`. */
export class AdminClient {
  readonly #place: OperatorPlace;
  readonly #registry: Client<typeof RegistryService>;
  readonly #delegations: Client<typeof DelegationService>;
  readonly #events: Client<typeof EventService>;
  readonly #hosting: Client<typeof HostingService>;
  readonly #load: Client<typeof LoadService>;
  readonly #refusals: Client<typeof RefusalService>;
  readonly #security: Client<typeof SecurityService>;

  constructor(place: OperatorPlace) {
    this.#place = place;
    const { headers = {}, tls = {}, agent } = place.connection ?? {};
    const authenticate: Interceptor = (next) => (request) => {
      for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
      return next(request);
    };
    const transport = createConnectTransport({
      baseUrl: place.url,
      httpVersion: '1.1',
      nodeOptions: { ...tls, ...(agent && { agent }) },
      interceptors: [authenticate],
    });
    this.#registry = createClient(RegistryService, transport);
    this.#delegations = createClient(DelegationService, transport);
    this.#events = createClient(EventService, transport);
    this.#hosting = createClient(HostingService, transport);
    this.#load = createClient(LoadService, transport);
    this.#refusals = createClient(RefusalService, transport);
    this.#security = createClient(SecurityService, transport);
  }

  /** Returns a client for the operator that a command line names. Sends no request yet. */
  static async of(choice: OperatorChoice): Promise<AdminClient> {
    return new AdminClient(await findOperator(choice));
  }

  /** URL of the admin port. */
  get url(): string {
    return this.#place.url;
  }

  /** Default namespace. */
  get namespace(): string {
    return this.#place.namespace;
  }

  /** Returns all instances that a filter matches, page by page. */
  async listPlugins(filter: PluginFilter = {}): Promise<ListPluginsResponse> {
    const pages = await this.#allPages((page) => this.#registry.listPlugins({ ...filter, ...page }, { timeoutMs }));
    return create(ListPluginsResponseSchema, { instances: pages.flatMap(({ instances }) => instances) });
  }

  /** Yields existing instances, a synced mark and each change, until `signal` is aborted. Rejects when the operator ends the watch. */
  async *watchPlugins(filter: PluginFilter, signal: AbortSignal): AsyncGenerator<WatchPluginsResponse> {
    try {
      yield* this.#registry.watchPlugins(filter, { signal });
      if (!signal.aborted) throw new CommandError('unreachable', `the operator at ${this.url} ended the watch`);
    } catch (error) {
      if (!signal.aborted) throw this.#translate(error);
    }
  }

  /** Returns the plugins that the operator hosts; `undefined` for an operator without that service. */
  async listHosted(): Promise<ListHostedResponse | undefined> {
    return this.#ifServed(() => this.#hosting.listHosted({}, { timeoutMs }));
  }

  /**
   * Returns output of a hosted plugin; `undefined` if the operator hosts no plugin of that name, or has no such service.
   *
   * @param request `tail` is the number of last lines, 0 for all; `followToken` that of an earlier answer.
   */
  async readOutput(request: {
    plugin: string;
    tail?: number;
    followToken?: string;
  }): Promise<ReadOutputResponse | undefined> {
    return this.#ifServed(() => this.#hosting.readOutput(request, { timeoutMs }), [Code.NotFound]);
  }

  /** Returns the answer of a service; `undefined` for an operator that doesn't have it. @param absent further codes that stand for none. */
  async #ifServed<T>(ask: () => Promise<T>, absent: readonly Code[] = []): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ConnectError && [Code.Unimplemented, ...absent].includes(error.code)) return undefined;
      throw this.#translate(error);
    }
  }

  /** Returns the registrations that were refused recently; `undefined` for an operator without that service. */
  async listRefusals(): Promise<ListRefusalsResponse | undefined> {
    return this.#ifServed(() => this.#refusals.listRefusals({}, { timeoutMs }));
  }

  /** Returns the work of plugins and delegations; `undefined` for an operator without that service. */
  async getLoad(): Promise<GetLoadResponse | undefined> {
    return this.#ifServed(() => this.#load.getLoad({}, { timeoutMs }));
  }

  /** Returns how plugins prove their identities and are called; `undefined` for an operator without that service. */
  async getSecurity(): Promise<GetSecurityResponse | undefined> {
    return this.#ifServed(() => this.#security.getSecurity({}, { timeoutMs }));
  }

  async listDelegations(): Promise<Delegation[]> {
    const pages = await this.#allPages((page) => this.#delegations.listDelegations(page, { timeoutMs }));
    return pages.flatMap(({ delegations }) => delegations);
  }

  /** @param deadline deadline of each request, in milliseconds. */
  async listResources(deadline = timeoutMs): Promise<DelegatedResource[]> {
    const pages = await this.#allPages((page) => this.#delegations.listResources(page, { timeoutMs: deadline }));
    return pages.flatMap(({ resources }) => resources);
  }

  /**
   * Returns the latest Events; `undefined` for an operator without that service.
   *
   * @param after token of an earlier answer, for the Events that occurred since. Default: all.
   */
  async listEvents(filter: EventFilter, after = ''): Promise<ListedEvents | undefined> {
    const pages = await this.#ifServed(() =>
      this.#pages((page) => this.#events.listEvents({ ...filter, ...page }, { timeoutMs }), after),
    );
    const { followToken = '', dropped = 0 } = pages?.at(-1) ?? {};
    return pages && { events: pages.flatMap(({ events }) => events), followToken, dropped };
  }

  explain(resource: { kind: string; namespace: string; name: string }): Promise<ExplainResourceResponse> {
    return this.#translating(() => this.#delegations.explainResource(resource, { timeoutMs }));
  }

  /** Returns the trace of a resource with its diagnosis; `undefined` for an operator without traces. */
  trace(resource: { kind: string; namespace: string; name: string }): Promise<TraceResourceResponse | undefined> {
    return this.#ifServed(() => this.#delegations.traceResource(resource, { timeoutMs }));
  }

  #allPages<T extends { nextPageToken: string }>(
    read: (page: { pageSize: number; pageToken: string }) => Promise<T>,
  ): Promise<T[]> {
    return this.#translating(() => this.#pages(read));
  }

  /** Reads the pages of a list from a token on. */
  async #pages<T extends { nextPageToken: string }>(
    read: (page: { pageSize: number; pageToken: string }) => Promise<T>,
    start = '',
  ): Promise<T[]> {
    const pages: T[] = [];
    let pageToken = start;
    do {
      const page = await read({ pageSize, pageToken });
      pages.push(page);
      pageToken = page.nextPageToken;
    } while (pageToken);
    return pages;
  }

  async #translating<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #translate(cause: unknown): unknown {
    if (!(cause instanceof ConnectError)) return cause;
    const { url, origin } = this.#place;
    // Reaching a pod has failed before the operator was asked.
    if (cause.cause instanceof KplugError) {
      const { message, cause: reason } = cause.cause;
      return new CommandError('unreachable', message, { cause: reason });
    }
    switch (cause.code) {
      case Code.NotFound:
        return new CommandError('notFound', cause.rawMessage, { cause });
      case Code.Unavailable:
      case Code.DeadlineExceeded:
      case Code.Aborted:
        return noAnswer(this.#place, cause);
      case Code.Unimplemented:
      case Code.Unknown:
      case Code.Internal: {
        const advice = "give the operator's admin port with --admin or KPLUG_ADMIN";
        const problem = `${url} (${origin}) is not the admin port of an operator`;
        return new CommandError('unreachable', `${problem}: ${cause.rawMessage}; ${advice}`, { cause });
      }
      default:
        return new CommandError('failed', `the operator at ${url} refused the request: ${cause.rawMessage}`, { cause });
    }
  }
}
