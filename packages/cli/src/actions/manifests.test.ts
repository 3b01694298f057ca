import { rm } from 'node:fs/promises';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 30_000 };

const names = Array.from({ length: 12 }, (_, index) => `n${String(index).padStart(2, '0')}`);

/** Returns the manifest of a greeting. */
function greeting(name: string): string {
  return `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: ${name} }\nspec: { to: ${name} }\n`;
}

describe('kplug manifests', () => {
  let workspace: GreetingWorkspace;

  beforeEach(async () => {
    workspace = await GreetingWorkspace.make(
      Object.fromEntries(names.map((name) => [`manifests/${name}.yaml`, greeting(name)])),
    );
  });

  afterEach(() => workspace[Symbol.asyncDispose]());

  const manifests = (...args: string[]) => kplug(['manifests', ...args, '--manifests', workspace.manifests]);

  async function removeFiles(some: readonly string[]): Promise<void> {
    for (const name of some) await rm(workspace.path(`manifests/${name}.yaml`));
  }

  /** Returns the names of the resources that `kplug get` lists. */
  async function listed(): Promise<string[]> {
    const { stdout } = await kplug(['get', 'greetings', '--manifests', workspace.manifests]);
    return stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ {3,}/)[0] ?? '');
  }

  it('lists the deletions that an operator holds, and has them made by a confirmation', async () => {
    const operator = await workspace.startOperator();
    workspace.startPlugin(operator.at.heartbeatAddress);
    for (const name of names) await workspace.greeting(name, `Hello, ${name}!`);
    await removeFiles(names.slice(0, 7));
    await vi.waitFor(() => expect(operator.stderr).toContain('Their deletion is held'), waitOptions);
    expect(operator.stderr.match(/deletion is held/g)).toHaveLength(1);

    const shown = await manifests();
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^12 resources in .*\n\nProblems\n.*: No file defines 7 of 12 resources any more: /);
    expect(shown.stdout).toMatch(
      /\n\nHeld deletions\nNAMESPACE +KIND +NAME +FILE\ndefault +Greeting +n00 +n00\.yaml\n/,
    );
    expect(JSON.parse((await manifests('-o', 'json')).stdout)).toMatchObject({
      directory: workspace.manifests,
      resources: 12,
      problems: [{ file: workspace.manifests }],
      held: true,
      deletions: names.slice(0, 7).map((name) => ({
        apiVersion: 'example.org/v1',
        kind: 'Greeting',
        namespace: 'default',
        name,
        uid: expect.any(String),
        file: `${name}.yaml`,
      })),
    });
    const held = names.slice(0, 7).map((name) => `${name} (deletion held)`);
    expect(await listed()).toEqual([...held, ...names.slice(7)]);

    const declined = await manifests('confirm');
    expect(declined).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') });
    expect(declined.stdout).toContain('n06.yaml');
    const { code, stdout, stderr } = await manifests('confirm', '--yes');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^Confirmed\. The operator, process \d+, deletes 7 resources\.\n$/),
    });
    expect(stdout.trimEnd().split('\n')).toHaveLength(8);
    await vi.waitFor(async () => expect(await listed()).toEqual(names.slice(7)), waitOptions);
    expect(await manifests()).toMatchObject({ stdout: expect.stringMatching(/^5 resources in .*\n$/), stderr: '' });
    expect((await manifests('confirm')).stderr).toBe(`No deletion is held in ${workspace.manifests}.\n`);
  });

  it('confirms deletions for an operator that does not run, which makes exactly these', async () => {
    const operator = await workspace.startOperator();
    operator.kill('SIGTERM');
    await operator.ended();
    await removeFiles(names.slice(0, 7));
    const { code, stderr } = await manifests('confirm', '--yes');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Confirmed. An operator deletes 7 resources when it starts, unless others are to be deleted by then.\n',
    });
    await removeFiles(names.slice(7, 8));
    const second = await workspace.startOperator();
    await vi.waitFor(() => expect(second.stderr).toContain('have changed since they were confirmed'), waitOptions);
    expect(await listed()).toHaveLength(12);
    expect((await manifests('confirm', '--yes')).code).toBe(0);
    await vi.waitFor(async () => expect(await listed()).toEqual(names.slice(8)), waitOptions);
  });

  it('prints deletions that need no confirmation, and problems of files', async () => {
    const operator = await workspace.startOperator();
    operator.kill('SIGTERM');
    await operator.ended();
    await removeFiles(names.slice(0, 1));
    await workspace.write('manifests/n01.yaml', '');
    await workspace.write('manifests/broken.yaml', 'kind: Greeting\n');
    const { code, stdout } = await manifests('show');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /broken\.yaml:1:1: .*\n.*n01\.yaml: The file no longer has any resource\. .*Greeting default\/n01; /,
    );
    expect(stdout).toMatch(
      /\n\nDeletions that need no confirmation\nNAMESPACE .*\ndefault +Greeting +n00 +n00\.yaml\n$/,
    );
  });

  it.each([
    [['--max-deletions', '10%'], 2, 12],
    [['--max-deletions', '100%'], 12, 0],
    [['--max-deletions-threshold', '13'], 12, 0],
  ])('follows the limits %j of the operator', async (args, removed, left) => {
    const operator = await workspace.startOperator(args);
    await removeFiles(names.slice(0, removed));
    if (left > 0) await vi.waitFor(() => expect(operator.stderr).toContain('is held'), waitOptions);
    await vi.waitFor(
      async () => expect(JSON.parse((await manifests('-o', 'json')).stdout)).toMatchObject({ resources: left }),
      waitOptions,
    );
  });

  it.each([
    [['--manifests', '.', '--max-deletions', '120%'], '--max-deletions "120%" must be a percentage from 0% to 100%'],
    [['--manifests', '.', '--max-deletions', 'half'], '--max-deletions "half" must be a percentage from 0% to 100%'],
    [['--manifests', '.', '--max-deletions-threshold', '0'], 'must be a whole number from 1 to 1,000,000'],
    [['--max-deletions', '50%'], '--max-deletions needs a directory of manifests; add --manifests'],
  ])('is preceded by a check of the flags %j', async (args, message) => {
    const { code, stderr } = await kplug(['operator', ...args], { cwd: workspace.manifests });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  });
});
