import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStates } from './read-states.ts';
import { documents, TestDirectory, table, tableKey } from './testing.ts';

const rounds = 6;
const names = ['users', 'orders', 'items'];

describe('an operator that is killed while it writes', () => {
  it('loses no acknowledged write, and leaves no torn file', async () => {
    await using directory = await TestDirectory.make();
    await directory.write('a.yaml', documents(...names.map((name) => table(name))));
    const uids: unknown[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const acknowledged = await writeUntilKilled(directory.path, 10 + round * 17);
      const resources = await directory.open();
      for (const name of names) {
        const { status, metadata } = resources.get(tableKey(name)) ?? {};
        expect(status?.count).toBeGreaterThanOrEqual(acknowledged.get(name) ?? Number.POSITIVE_INFINITY);
        expect(status?.padding).toBe(String(Number(status?.count) % 10).repeat(50_000));
        uids.push(metadata?.uid);
      }
      await resources.close();
      const files = await readdir(join(directory.path, '.kplug'), { recursive: true });
      expect(files.filter((file) => /\.(corrupt|tmp)|lock/.test(file))).toEqual([]);
    }
    expect(new Set(uids).size).toBe(names.length);
    expect(directory.log).toEqual([]);
  }, 120_000);
});

describe('a write that is interrupted', () => {
  it('loses nothing acknowledged, and does no harm, at each of its steps', async () => {
    const script = fileURLToPath(new URL('./crash-at-step.fixture.ts', import.meta.url));
    const run = (folder: string, step: number) => {
      const { stdout, signal } = spawnSync(process.execPath, [script, folder, `${step}`], { encoding: 'utf8' });
      const lines = stdout.trim().split('\n').filter(Boolean);
      return { lines, acknowledged: Math.max(0, ...lines.map(Number).filter((one) => one > 0)), signal };
    };
    const root = await mkdtemp(join(tmpdir(), 'kplug-steps-'));
    onTestFinished(() => rm(root, { recursive: true }));
    const folder = async (name: string) => {
      await mkdir(join(root, name));
      return join(root, name);
    };
    const [steps = 0] = run(await folder('whole'), 0)
      .lines.slice(-1)
      .map((line) => Number(line.split(' ')[1]));
    expect(steps).toBeGreaterThan(15);
    for (let step = 1; step <= steps; step += 1) {
      const path = await folder(`step-${step}`);
      const { acknowledged, signal } = run(path, step);
      expect(signal).toBe('SIGKILL');
      const { states, corrupt } = await readStates(path);
      expect(corrupt).toEqual([]);
      const found = new Map(states.map(({ resource: { metadata, spec } }) => [metadata.name, spec?.columns]));
      const columns = Number(found.get('users') ?? 0);
      expect([acknowledged, acknowledged + 1]).toContain(columns);
      // Of the changes that weren't acknowledged, the first ones may be there.
      const tables = columns === acknowledged ? [columns] : [columns, columns - 1];
      expect(columns <= 1 || tables.some((one) => found.has(`table-${one}`))).toBe(true);
      // The next process goes on.
      expect(run(path, 0).lines.at(-1)).toMatch(/^done/);
      expect((await readStates(path)).corrupt).toEqual([]);
    }
  }, 300_000);
});

/** Runs a process that writes, and kills it after some acknowledgements. Returns the last one of each resource. */
async function writeUntilKilled(directory: string, writes: number): Promise<Map<string, number>> {
  const script = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged = new Map<string, number>();
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    const [name = '', number] = line.split(' ');
    acknowledged.set(name, Number(number));
    count += 1;
    if (count === writes) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return acknowledged;
}
