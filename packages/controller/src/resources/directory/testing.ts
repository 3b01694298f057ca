import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { vi } from 'vitest';
import type { ManifestProblem } from '../manifest.ts';
import type { Resource, ResourceKey } from '../resource.ts';
import type { DirectoryResources } from './directory-resources.ts';
import { type DirectoryOptions, openDirectory } from './open-directory.ts';
import { readStates } from './read-states.ts';
import type { ResourceState } from './state-file.ts';

/** Kind that tests use. */
export const tables = { apiVersion: 'example.org/v1', kind: 'Table' };

/** Returns the key of a table in the namespace `default`. */
export function tableKey(name: string): ResourceKey {
  return `example.org/v1/Table/default/${name}`;
}

/** Returns the manifest of a table. */
export function table(name: string, columns = 1): string {
  return `apiVersion: example.org/v1\nkind: Table\nmetadata:\n  name: ${name}\nspec:\n  columns: ${columns}\n`;
}

/** Joins manifests to a text of several documents. */
export function documents(...manifests: string[]): string {
  return manifests.join('---\n');
}

/** Returns the content of the state file that earlier versions of Kplug wrote for a resource. */
export function stateFile({ source, resource, statuses }: ResourceState): string {
  const byManager = [...statuses].map(([fieldManager, status]) => ({ fieldManager, status }));
  return `${JSON.stringify({ formatVersion: 1, source, resource, statuses: byManager }, undefined, 2)}\n`;
}

/** Directory of one test, with the resources that were opened in it. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string;
  readonly log: { level: number; msg: string }[] = [];
  readonly #opened: DirectoryResources[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TestDirectory> {
    const path = join(await mkdtemp(join(tmpdir(), 'kplug-directory-')), 'tables');
    await mkdir(path);
    return new TestDirectory(path);
  }

  /** Path of Kplug's folder. */
  get states(): string {
    return join(this.path, '.kplug');
  }

  async write(file: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.path, file)), { recursive: true });
    await writeFile(join(this.path, file), content);
  }

  /** Replaces a file as many editors do: by renaming another one. */
  async replace(file: string, content: string): Promise<void> {
    await this.write(`${file}.swp`, content);
    await rename(join(this.path, `${file}.swp`), join(this.path, file));
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.path, file), { recursive: true });
  }

  /** Reads the state of a table from disk. Rejects when there is none. */
  async stateOf(name: string): Promise<ResourceState> {
    const { states } = await readStates(this.states);
    const state = states.find(({ resource }) => resource.metadata.name === name);
    if (!state) throw new Error(`There is no state of ${name}.`);
    return state;
  }

  async open(options: Partial<DirectoryOptions> = {}): Promise<DirectoryResources> {
    const write = (line: string) => void this.log.push(JSON.parse(line));
    const resources = await openDirectory({ directory: this.path, logger: pino({}, { write }), ...options });
    this.#opened.push(resources);
    return resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resources of this.#opened) await resources.close();
    await rm(dirname(this.path), { recursive: true, force: true });
  }
}

/** Waits until a table passes a check. */
export async function waitFor(
  resources: DirectoryResources,
  name: string,
  check: (resource: Resource) => void = () => undefined,
): Promise<Resource> {
  return vi.waitFor(
    () => {
      const resource = resources.get(tableKey(name));
      if (!resource) throw new Error(`${name} does not exist.`);
      check(resource);
      return resource;
    },
    { timeout: 10_000 },
  );
}

/** Waits until there is exactly one problem. */
export async function onlyProblem(resources: DirectoryResources): Promise<ManifestProblem> {
  return vi.waitFor(
    () => {
      const [problem, ...others] = resources.problems();
      if (!problem || others.length > 0) throw new Error(`There are ${resources.problems().length} problems.`);
      return problem;
    },
    { timeout: 10_000 },
  );
}
