import { afterAll, it } from 'vitest';
import type { DeployedNamespace } from './deployed-namespace.ts';

/**
 * Registers steps that depend on the preceding ones.
 *
 * @param remove removes the namespace, after the last step. The namespace of a failed walk is kept for debugging.
 */
export function walk(
  deployed: DeployedNamespace,
  remove: () => Promise<void>,
): (name: string, work: () => Promise<void>) => void {
  let failed = true;
  let remaining = 0;
  afterAll(async () => {
    if (!failed) return remove();
    console.error(await deployed.diagnostics());
    console.error(`The namespace ${deployed.namespace} is kept for debugging; delete it afterwards.`);
  });
  return (name, work) => {
    remaining += 1;
    it(name, async () => {
      await work();
      remaining -= 1;
      failed = remaining > 0;
    });
  };
}
