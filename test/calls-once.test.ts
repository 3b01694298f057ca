import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { definePlugin } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 30_000, interval: 20 };
const apiVersion = 'example.org/v1';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-once-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('bases in a file with their extensions are called once each, with their extensions', async () => {
  const directory = temporaryFolder();
  const names = Array.from({ length: 60 }, (_, index) => `base-${index}`);
  const manifests = names.flatMap((name) => [
    {
      ...{ apiVersion, kind: 'Base', metadata: { name } },
      spec: { extensions: [{ apiVersion, kind: 'Extension', name }] },
    },
    { apiVersion, kind: 'Extension', metadata: { name }, spec: {} },
  ]);
  const logger = pino({ level: 'silent' });
  const controller = new Controller({
    resources: await openDirectory({ directory, logger }),
    delegations: [{ name: 'bases', base: { apiVersion, kind: 'Base' }, api: 'Base' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    logger,
  });
  onTestFinished(() => controller.stop());
  await controller.start();
  const calls: string[] = [];
  const plugin = definePlugin({
    name: 'Plain',
    version: '1.0.0',
    api: 'Base@1.0.0',
    reconcile: ({ base, extensions }) => {
      calls.push(`${base.metadata.name} ${extensions.all('Extension').length}`);
      return {};
    },
  });
  const running = await plugin.serve({ controller: controller.heartbeatAddress });
  onTestFinished(() => running.stop());
  writeFileSync(join(directory, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  await vi.waitFor(() => expect(new Set(calls).size).toBe(60), waiting);
  await controller.whenIdle();
  expect(calls.sort()).toEqual(names.map((name) => `${name} 1`).sort());
});

describe('a plugin in the folder whose file changes', () => {
  const plugin = (version: string, text: string) => `import { appendFileSync } from 'node:fs';
import { definePlugin } from '@kplug/sdk';
await definePlugin({
  name: 'Plain', version: '${version}', api: 'Table@1.0.0',
  reconcile({ base }) { appendFileSync('calls.txt', \`${text} \${base.metadata.name}\\n\`); return {}; },
}).serve();
`;

  async function start(count: number) {
    const directory = temporaryFolder();
    mkdirSync(join(directory, 'plain'));
    const file = join(directory, 'plain.mjs');
    const calls = () => readFileSync(join(directory, 'calls.txt'), 'utf8').split('\n').filter(Boolean);
    const packages = { '@kplug/sdk': import.meta.resolve('@kplug/sdk') };
    appendFileSync(join(directory, 'calls.txt'), '');
    writeFileSync(file, plugin('1.0.0', 'old'));
    const pluginsFolder = { directory, settleTime: 50, scanInterval: 200, packages };
    const operator = await TestOperator.start({ api: 'Table@^1.0.0' }, { pluginsFolder });
    const names = Array.from({ length: count }, (_, index) => `table-${index}`);
    for (const name of names) operator.table(name, {});
    for (const name of names) await operator.expectReady(name, 'Plain');
    return { operator, calls, names, write: (text: string) => writeFileSync(file, text) };
  }

  it('at the same version is called with the new code for each resource, once', async () => {
    const { operator, calls, names, write } = await start(5);
    write(plugin('1.0.0', 'new'));
    await vi.waitFor(() => expect(calls()).toContain('new table-4'), waiting);
    await operator.controller.whenIdle();
    expect(calls().filter((call) => call.startsWith('new'))).toHaveLength(names.length);
  });

  it('with a new version is called once for each resource, in each of several replacements', async () => {
    const { operator, calls, names, write } = await start(5);
    for (const minor of [1, 2, 3]) {
      write(plugin(`1.${minor}.0`, `v${minor}`));
      await vi.waitFor(() => {
        for (const name of names)
          expect(operator.get(name)?.status).toMatchObject({ plugin: { version: `1.${minor}.0` } });
        expect(operator.controller.registry.size).toBe(1);
      }, waiting);
      await operator.controller.whenIdle();
      expect(calls().filter((call) => call.startsWith(`v${minor} `))).toHaveLength(names.length);
    }
  });
});
