import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import type { RequestObservation } from '../cluster-services.ts';
import type { ResourceChange } from '../port.ts';
import type { Resource, ResourceKind } from '../resource.ts';
import type { KubernetesResources } from './kubernetes-resources.ts';
import { type KubernetesOptions, openKubernetes } from './open-kubernetes.ts';

/** Resources of a cluster, with recorded changes and requests. They are closed with the test. */
export class FollowedCluster {
  readonly resources: KubernetesResources;
  readonly changes: ResourceChange[] = [];
  readonly requests: RequestObservation[];
  readonly log: { level: number; msg: string; [field: string]: unknown }[];

  private constructor(
    resources: KubernetesResources,
    requests: RequestObservation[],
    log: { level: number; msg: string }[],
  ) {
    this.resources = resources;
    this.requests = requests;
    this.log = log;
  }

  static async open(options: Omit<KubernetesOptions, 'logger' | 'observe'>): Promise<FollowedCluster> {
    const requests: RequestObservation[] = [];
    const log: { level: number; msg: string }[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) });
    const observe = (request: RequestObservation) => void requests.push(request);
    const resources = (await openKubernetes({ ...options, logger, observe })) as KubernetesResources;
    onTestFinished(() => resources.close());
    return new FollowedCluster(resources, requests, log);
  }

  /** Follows a kind, and records its changes. */
  async follow(kind: ResourceKind): Promise<void> {
    await this.resources.follow(kind, (change) => this.changes.push(change));
  }

  /** Returns the sorted names of the known resources of a kind. */
  names(kind: ResourceKind): string[] {
    return [...this.resources.list(kind)].map(({ metadata }) => metadata.name).sort();
  }

  /** Waits until a resource is known and passes a check. */
  waitFor(key: string, check: (resource: Resource) => void = () => undefined): Promise<Resource> {
    return vi.waitFor(
      () => {
        const resource = this.resources.get(key);
        if (!resource) throw new Error(`${key} does not exist.`);
        check(resource);
        return resource;
      },
      { timeout: 30_000, interval: 10 },
    );
  }

  /** Returns the writes so far, as `verb resource code`. */
  writes(): string[] {
    return this.requests
      .filter(({ verb }) => verb === 'apply' || verb === 'patch')
      .map(({ verb, resource, code }) => `${verb} ${resource} ${code}`);
  }
}

/** Timeout for changes by a real API server. */
export const soon = { timeout: 30_000, interval: 10 };
