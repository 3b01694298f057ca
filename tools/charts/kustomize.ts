import { run } from '../image/run.ts';
import { ask, skipWithout } from '../languages/toolchain.ts';

/** Builds a folder with kustomize. */
export type Kustomize = (folder: string) => Promise<string>;

/** Finds kustomize, as a program or as part of kubectl. When there is neither, reports that `what` is skipped; throws in CI. */
export async function kustomizeFor(what: string): Promise<Kustomize | undefined> {
  for (const [program = '', ...args] of [
    ['kustomize', 'build'],
    ['kubectl', 'kustomize'],
  ]) {
    if (await ask(program, [...args, '--help'])) return async (folder) => run(program, [...args, folder]);
  }
  return skipWithout('kubectl or kustomize', what);
}
