import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
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
