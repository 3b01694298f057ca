// resources/directory/: resources in the files of a directory, with their states below `.kplug`.
import { join } from 'node:path';
import type { ClusterServices } from '../cluster-services.ts';
import type { ManifestProblem } from '../manifest.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type {
  FollowOptions,
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  ResourceListener,
  Resources,
  WriteOptions,
  WriteResult,
} from '../port.ts';
import type { JsonObject, Resource, ResourceKey, ResourceKind } from '../resource.ts';
import { CertificateFiles } from './certificate-files.ts';
import type { DirectoryFollower, FollowedDirectory } from './directory-follower.ts';
import { stateFolderOf } from './state-folder.ts';

/** Resources in the files of a directory. */
export interface DirectoryResources extends Resources {
  /** Returns all resources of a kind. */
  list(kind: ResourceKind): Resource[];
  /** Returns the problems that users have to fix, by file and line. */
  problems(): ManifestProblem[];
}

/** Resources of a followed directory, which are held in memory. */
export class FollowedResources implements DirectoryResources {
  readonly #parts: FollowedDirectory;
  readonly #resources: MemoryResources;
  readonly #follower: DirectoryFollower;
  readonly services: Pick<ClusterServices, 'certificates'>;

  constructor(parts: FollowedDirectory, follower: DirectoryFollower) {
    this.#parts = parts;
    this.#resources = parts.resources;
    this.#follower = follower;
    this.services = { certificates: new CertificateFiles(join(stateFolderOf(parts.directory, parts.stateDir), 'tls')) };
  }

  problems(): ManifestProblem[] {
    return this.#parts.problems.all();
  }

  follow(kind: ResourceKind, listener: ResourceListener, options?: FollowOptions): Promise<void> {
    return this.#resources.follow(kind, listener, options);
  }

  /** Always `undefined`: a directory has every kind, and a missing directory keeps its last state. */
  problem(): undefined {
    return undefined;
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#resources.get(key);
  }

  list(kind: ResourceKind): Resource[] {
    return this.#resources.list(kind);
  }

  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult> {
    return this.#resources.applyStatus(key, status, options);
  }

  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#resources.addFinalizer(key, finalizer, options);
  }

  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#resources.removeFinalizer(key, finalizer, options);
  }

  applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite> {
    return this.#resources.applyOwned(key, content, options);
  }

  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#resources.removeOwned(key, options);
  }

  releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#resources.releaseOwned(key, options);
  }

  /** Stops following, waits for writes in progress and releases the lock. Rejects with `StorageFailed`. */
  async close(): Promise<void> {
    await this.#follower.stop();
    try {
      await this.#resources.close();
    } finally {
      await this.#parts.store.close();
      await this.#parts.lock.release();
    }
  }
}
