import type { Newcomer } from './newcomer.ts';
import { useOwnPort } from './operator-ports.ts';

/** Part of the status of the sample, in any language. */
const subnets = /name: desks\n *network: 10\.20\.0\.0\/24/;

/** Summary of the conformance tests. */
const conforms = /FirstFit 0\.1\.0 at \S+: \d+ passed(?:, \d+ not tried)?\n/;

/** Walk to its end. Returns a rest that mostly waits, so that the next walk can begin. */
export type Walk = (newcomer: Newcomer) => Promise<(() => Promise<void>) | void>;

/** A plugin: created, installed, tested, and run under an operator until the status has its answer. The rest are the conformance tests. */
export async function walkPlugin(newcomer: Newcomer, args: string, install?: string[]): Promise<() => Promise<void>> {
  const [installation = '', ...others] = await newcomer.init(`first-fit ${args} --yes`);
  // It runs until it is stopped, as step 4 of the README describes.
  const tests = others.filter((command) => !command.endsWith(' dev'));
  await newcomer.run('install', install ?? [installation]);
  await newcomer.run('test', tests);
  await newcomer.runUntil('status', newcomer.step(4), subnets);
  return async () => {
    const report = await newcomer.run('conformance', newcomer.step(3));
    if (!conforms.test(report)) throw new Error(`the conformance tests failed:\n${report}`);
  };
}

/** An operator: created, installed, tested and checked, and run until the status says that there is no plugin. */
export async function walkOperator(newcomer: Newcomer): Promise<void> {
  const [installation = '', test = ''] = await newcomer.init('operator address-operator --yes');
  await newcomer.run('install', [installation]);
  await newcomer.run('test', [test, 'npm run types', 'npm run validate']);
  useOwnPort(newcomer.folder, newcomer.heartbeatAddress);
  await newcomer.runUntil('status', newcomer.step(3), /^office +False .*NoPlugin/m);
}
