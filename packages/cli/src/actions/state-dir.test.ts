import { access, readdir, writeFile } from 'node:fs/promises';
import { GreetingWorkspace, kplug, world } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let workspace: GreetingWorkspace;
let stateDir: string;

let banner: string;

beforeAll(async () => {
  workspace = await GreetingWorkspace.make({ 'manifests/world.yaml': world });
  stateDir = workspace.path('states');
  const operator = await workspace.startOperator([], { stateDir });
  workspace.startPlugin(operator.at.heartbeatAddress);
  await workspace.greeting('world', 'HELLO, WORLD!');
  banner = operator.stdout;
});

afterAll(() => workspace[Symbol.asyncDispose]());

describe('an operator with a state directory', () => {
  it('leaves the directory of manifests as it is', async () => {
    expect(await readdir(workspace.manifests)).toEqual(['world.yaml']);
    expect(await readdir(stateDir)).toEqual(expect.arrayContaining(['lock', 'operator.json', 'states.jsonl']));
  });

  it.each([
    ['get', ['get', 'greetings', '-o', 'wide'], /world +True +Plain +1\.0\.0/],
    ['explain', ['explain', 'greeting/world'], /Plugin +Plain 1\.0\.0\n/],
    ['plugins', ['plugins'], /Plain +1\.0\.0/],
    ['doctor', ['doctor'], /operator\.json/],
  ])('is found by kplug %s, by flag, environment variable or configuration file', async (_, args, expected) => {
    const manifests = ['--manifests', workspace.manifests];
    const cwd = workspace.folder;
    const results = [
      await kplug([...args, ...manifests, '--state-dir', stateDir]),
      await kplug([...args, ...manifests], { env: { KPLUG_STATE_DIR: stateDir } }),
    ];
    await writeFile(workspace.path('kplug.yaml'), 'manifests: manifests\nstateDir: states\n');
    results.push(await kplug([...args, ...manifests], { cwd }), await kplug(args, { cwd }));
    for (const { stdout, stderr } of results) expect(stdout, stderr).toMatch(expected);
  });

  it('suggests commands that find it', () => {
    expect(banner).toContain(`kplug plugins --manifests ${workspace.manifests} --state-dir ${stateDir}\n`);
  });

  it('is not needed by kplug get to list what the manifests define', async () => {
    const { code, stdout } = await kplug(['get', 'greetings', '--manifests', workspace.manifests]);
    expect([code, stdout.includes('world'), stdout.includes('Plain')]).toEqual([0, true, false]);
    await expect(access(`${workspace.manifests}/.kplug`)).rejects.toThrow('ENOENT');
  });

  it('needs a directory of manifests', async () => {
    const { code, stderr } = await kplug(['operator', '--state-dir', stateDir], { cwd: stateDir });
    expect([code, stderr]).toEqual([2, expect.stringContaining('--state-dir needs a directory of manifests')]);
  });

  it('names the operator that uses it', async () => {
    const args = ['operator', '--manifests', workspace.manifests, '--config', workspace.delegation];
    const { code, stderr } = await kplug([...args, '--state-dir', stateDir], { cwd: workspace.manifests });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is in use by another operator, process \d+\./)]);
  });
});
