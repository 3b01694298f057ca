import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { definePlugin } from '@kplug/sdk';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'myorg.org/v1';
const waiting = { timeout: 20_000, interval: 10 };

it('a plugin is called once for each resource although states cannot be stored for a while', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-full-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const names = Array.from({ length: 30 }, (_, index) => `table-${index}`);
  const manifests = names.map(
    (name) => `apiVersion: ${apiVersion}\nkind: Table\nmetadata: { name: ${name} }\nspec: {}\n`,
  );

  const lines: { msg: string }[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const resources = await openDirectory({ directory, logger });
  // A folder in the place of the journal: no state can be written, whoever runs the test.
  const states = join(directory, '.kplug', 'states.jsonl');
  await mkdir(states);
  await writeFile(join(directory, 'tables.yaml'), manifests.join('---\n'));
  const controller = new Controller({
    resources,
    delegations: [
      {
        name: 'tables',
        base: { apiVersion, kind: 'Table' },
        api: 'Table@^1.0.0',
        concurrency: 2,
        backOff: { initial: 50, max: 1_000 },
      },
    ],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    logger,
  });
  onTestFinished(() => controller.stop());
  await controller.start();
  let calls = 0;
  const plugin = await definePlugin({
    name: 'PostgreSQL',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: () => ({ status: { call: ++calls } }),
  }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  await vi.waitFor(() => expect(plugin.registered).toBe(true), waiting);
  const failed = () => lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('pass failed'));
  await vi.waitFor(() => expect(failed()).toEqual([expect.stringContaining("can't be written")]), waiting);

  await rm(states, { recursive: true });
  const ready = () =>
    [...resources.list({ apiVersion, kind: 'Table' })].filter(({ status }) => status?.call !== undefined);
  await vi.waitFor(() => expect(ready()).toHaveLength(names.length), waiting);
  expect(calls).toBe(names.length);
  expect(failed()).toHaveLength(1);
}, 60_000);
