import { beforeAll, describe, it } from 'vitest';
import { kubectl } from './commands.ts';
import { inRepository } from './deployed-namespace.ts';
import { DeployedExample } from './example.ts';

const rounds = Number(process.env.KPLUG_ROUNDS ?? 1);

/** Settings of the operator and of the plugin. */
const installations = {
  secure: { operator: ['heartbeat.interval=1s'], plugin: [] },
  insecure: { operator: ['heartbeat.interval=1s', 'heartbeat.insecure=true'], plugin: ['insecure=true'] },
} as const;

type Installation = keyof typeof installations;

beforeAll(async () => {
  await new DeployedExample().load('operator', 'database-table-sqlite');
  const definitions = inRepository('examples/database-table/deploy/crds.yaml');
  await kubectl('apply', '--server-side', '--force-conflicts', '--filename', definitions);
});

describe('the time from the installation to the first reconciled table', () => {
  it('is measured with and without TLS and tokens, in turn', { timeout: 1_800_000 }, async () => {
    const times: Record<Installation, number[]> = { secure: [], insecure: [] };
    // The first installation also loads the images and creates the definitions.
    await timeOf('insecure');
    for (let round = 0; round < rounds; round++) {
      for (const name of ['secure', 'insecure'] as const) times[name].push(await timeOf(name));
    }
    const [secure, insecure] = [median(times.secure), median(times.insecure)];
    const list = (name: Installation) => times[name].map((time) => (time / 1_000).toFixed(1)).join(', ');
    console.log(
      `secure: ${list('secure')} s; insecure: ${list('insecure')} s; difference of the medians: ${secure - insecure} ms`,
    );
  });
});

/** Installs the operator and a plugin at the same time, and returns the time until a table is ready, in milliseconds. */
async function timeOf(name: Installation): Promise<number> {
  const example = new DeployedExample();
  await example.create();
  await example.kubectl('apply', '--filename', inRepository('examples/database-table/manifests/users.yaml'));
  const { operator, plugin } = installations[name];
  const startedAt = performance.now();
  const ready = example.expectReady('users', 'SQLite').then(() => performance.now());
  // Helm waits for the pods, too.
  const [readyAt] = await Promise.all([ready, example.operator(...operator), example.plugin('sqlite', ...plugin)]);
  await example.remove();
  return Math.round(readyAt - startedAt);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
