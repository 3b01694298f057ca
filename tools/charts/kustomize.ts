import { run } from '../image/run.ts';
import { ask, skipWithout } from '../languages/toolchain.ts';

/** What kustomize makes of a folder. */
export type Kustomize = (folder: string) => Promise<string>;

/** Kustomize, by itself or as a part of kubectl. Where there is neither, says that `what` is skipped, and throws in CI. */
export async function kustomizeFor(what: string): Promise<Kustomize | undefined> {
  for (const [program = '', ...args] of [
    ['kustomize', 'build'],
    ['kubectl', 'kustomize'],
  ]) {
    if (await ask(program, [...args, '--help'])) return async (folder) => run(program, [...args, folder]);
  }
  return skipWithout('kubectl or kustomize', what);
}
