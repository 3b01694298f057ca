import { rmSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../../../../cli/src/command-error.js';
/** The directory that an operator follows, where the resources of a trial are put, each in a file of its own. */
export class TrialFolder {
  #folder;
  #files = new Set();
  /** Whoever interrupts the trial finds nothing of it either. */
  #clearAtOnce = () => {
    for (const file of this.#files) rmSync(file, { force: true });
  };
  constructor(folder) {
    this.#folder = folder;
    process.on('exit', this.#clearAtOnce);
  }
  /** Rejects with a `CommandError` when there is no such directory. */
  static async open(folder) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory()) return new TrialFolder(folder);
    throw new CommandError('usage', `there is no directory ${folder}; name the one that the operator runs on`);
  }
  /** Puts a resource there, or another one in its place. */
  async apply(manifest) {
    const file = this.#fileOf(manifest);
    this.#files.add(file);
    // At once, so that nobody reads half of it. JSON is YAML too.
    const draft = join(this.#folder, '.kplug-conformance');
    await writeFile(draft, `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(draft, file);
  }
  async remove(manifest) {
    await rm(this.#fileOf(manifest), { force: true });
    this.#files.delete(this.#fileOf(manifest));
  }
  /** Removes whatever is left. */
  async clear() {
    for (const file of this.#files) await rm(file, { force: true });
    this.#files.clear();
    process.off('exit', this.#clearAtOnce);
  }
  #fileOf({ kind, metadata }) {
    return join(this.#folder, `kplug-conformance-${kind.toLowerCase()}-${metadata.name}.yaml`);
  }
}
//# sourceMappingURL=trial-folder.js.map
