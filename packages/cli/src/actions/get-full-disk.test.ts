import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreetingWorkspace, kplug, world } from '@kplug/testing/kplug';
import { expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 50 };

/** Mounts a file system of 256 KiB. Returns whether this process may do so. */
function mountSmall(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'kplug-test', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const probe = await mkdtemp(join(tmpdir(), 'kplug-mount-'));
const mayMount = mountSmall(probe);
if (mayMount) execFileSync('umount', [probe]);
await rm(probe, { recursive: true });

it.skipIf(!mayMount)(
  'kplug get shows the failure, not the stored status, while the disk is full',
  async () => {
    await using workspace = await GreetingWorkspace.make({});
    mountSmall(workspace.manifests);
    onTestFinished(() => rm(workspace.folder, { recursive: true, force: true }));
    try {
      await workspace.write('manifests/world.yaml', world);
      await using operator = await workspace.startOperator();
      await using _ = workspace.startPlugin(operator.at.heartbeatAddress);
      await workspace.greeting('world', 'HELLO, WORLD!');
      const get = (...args: string[]) => kplug(['get', 'greetings', '--manifests', workspace.manifests, ...args]);
      await vi.waitFor(async () => expect((await get()).stdout).toMatch(/^world +True +Plain/m), waiting);

      await fill(workspace.path('manifests/ballast'));
      // The new content takes the place of the former one.
      await writeFile(workspace.path('manifests/world.yaml'), world.replace('to: World', 'to: Mars'));
      await vi.waitFor(async () => expect((await get()).stdout).not.toMatch(/^world +True/m), waiting);
      await vi.waitFor(
        async () => expect((await get()).stdout).toMatch(/^world +False +Plain +StorageFailed/m),
        waiting,
      );
      const { code, stderr } = await get('-o', 'json');
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /^warning: the stored status of Greeting default\/world is out of date; the operator has StorageFailed: .*no space left/m,
      );

      await rm(workspace.path('manifests/ballast'));
      await vi.waitFor(async () => expect((await get()).stdout).toMatch(/^world +True +Plain/m), waiting);
      await vi.waitFor(async () => expect((await get()).stderr).toBe(''), waiting);
    } finally {
      execFileSync('umount', ['-l', workspace.manifests]);
    }
  },
  120_000,
);

/** Writes a file until the disk is full. */
async function fill(file: string): Promise<void> {
  await expect(writeFile(file, Buffer.alloc(1024 * 1024))).rejects.toThrow('ENOSPC');
}
