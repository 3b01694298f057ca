import { rmSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@kplug/controller/memory';
import { formatJson } from '@kplug/protocol';
import { ConformanceError } from '../../errors.ts';

/** Manifest directory of an operator. The suite writes each of its resources to a separate file and removes it again. */
export class ManifestFolder {
  readonly #folder: string;
  readonly #files = new Set<string>();
  /** Removes the files when the process is interrupted. */
  readonly #clearSync = () => {
    for (const file of this.#files) rmSync(file, { force: true });
  };

  private constructor(folder: string) {
    this.#folder = folder;
    process.on('exit', this.#clearSync);
  }

  /** Rejects with a `ConformanceError` when the directory does not exist. */
  static async open(folder: string): Promise<ManifestFolder> {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory()) return new ManifestFolder(folder);
    const message = `no directory ${folder}; give the manifest directory of the operator`;
    throw new ConformanceError('InvalidOptions', message);
  }

  /** Creates or replaces a resource. */
  async apply(manifest: Manifest): Promise<void> {
    const file = this.#fileOf(manifest);
    this.#files.add(file);
    // A rename is atomic, so the operator reads no partial file. JSON is valid YAML.
    const draft = join(this.#folder, '.kplug-conformance');
    await writeFile(draft, `${formatJson(manifest, 2)}\n`);
    await rename(draft, file);
  }

  async remove(manifest: Manifest): Promise<void> {
    await rm(this.#fileOf(manifest), { force: true });
    this.#files.delete(this.#fileOf(manifest));
  }

  /** Removes all files that are left. */
  async clear(): Promise<void> {
    for (const file of this.#files) await rm(file, { force: true });
    this.#files.clear();
    process.off('exit', this.#clearSync);
  }

  #fileOf({ kind, metadata }: Manifest): string {
    return join(this.#folder, `kplug-conformance-${kind.toLowerCase()}-${metadata.name}.yaml`);
  }
}
