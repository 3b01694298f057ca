import type { Logger } from 'pino';
import type { ResourceChange } from '../port.ts';
import type { Resource } from '../resource.ts';
import type { Pod, PodSource } from '../services/pod-source.ts';
import type { Discovery } from './discovery.ts';
import { KindFollower } from './kind-follower.ts';
import type { Transport } from './transport.ts';

/** Parts that following pods needs. */
export interface PodFollowerParts {
  transport: Transport;
  discovery: Discovery;
  /** Namespace of the pods. */
  namespace: string;
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
  logger: Logger;
}

/** Follows the pods of one namespace. When that is forbidden, it logs the problem and knows no pod. */
export class PodFollower implements PodSource {
  readonly #parts: PodFollowerParts;
  #follower: KindFollower | undefined;
  #listeners: readonly ((pod: Pod) => void)[] = [];

  constructor(parts: PodFollowerParts) {
    this.#parts = parts;
  }

  get(namespace: string, name: string): Pod | undefined {
    const resource = this.#follower?.cache.get(namespace, name);
    return resource && describe(resource, false);
  }

  async follow(listener: (pod: Pod) => void): Promise<void> {
    for (const resource of this.#follower?.cache.values() ?? []) listener(describe(resource, false));
    this.#listeners = [...this.#listeners, listener];
    this.#follower ??= this.#start();
    await this.#follower.known;
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  #start(): KindFollower {
    const { namespace, logger, ...parts } = this.#parts;
    return new KindFollower({
      ...parts,
      kind: { apiVersion: 'v1', kind: 'Pod' },
      namespaces: [namespace],
      isBeingWritten: () => false,
      onChange: (change) => this.#notify(change),
      onProblem: (problem) => {
        if (problem) logger.warn({ reason: problem.reason }, `the plugins' pods can't be followed: ${problem.message}`);
      },
      onUnreadable: (error) => logger.error({ err: error }, `the API server sent ${error.message}; listing pods again`),
    });
  }

  #notify({ resource, gone }: ResourceChange): void {
    const pod = describe(resource, gone);
    for (const listener of this.#listeners) listener(pod);
  }
}

function describe({ metadata, status }: Resource, gone: boolean): Pod {
  const { namespace = '', name, deletionTimestamp } = metadata;
  const hasEnded = gone || status?.phase === 'Failed' || status?.phase === 'Succeeded';
  const state = deletionTimestamp ? 'terminating' : 'running';
  return { namespace, name, state: hasEnded ? 'ended' : state };
}
