import { readFile } from 'node:fs/promises';
import { wrongPlugin } from '@kplug/conformance/testing';
import { GreetingWorkspace, greetingPlugin, kplug, startKplug, world } from '@kplug/testing/kplug';
import { describe, expect, it, vi } from 'vitest';

/** Returns the address of the plugin that is registered with the operator of a workspace. */
async function addressOfPlugin(admin: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const { stdout } = await kplug(['plugins', '--admin', admin, '-o', 'json']);
      const [instance] = (JSON.parse(stdout || '{}').instances ?? []) as { registration: { address: string } }[];
      expect(instance).toBeDefined();
      return instance?.registration.address ?? '';
    },
    { timeout: 30_000, interval: 100 },
  );
}

describe('kplug record and kplug replay', () => {
  it.each([['session'], ['heartbeat']])(
    'repeat calls of plugins that register by %s',
    { timeout: 90_000 },
    async (way) => {
      await using workspace = await GreetingWorkspace.make();
      const operator = await workspace.startOperator();
      const { heartbeatAddress, adminAddress } = operator.at;
      const file = workspace.path('calls.jsonl');
      const [program, env] =
        way === 'session'
          ? [greetingPlugin, { GREETING_FOLDER: workspace.path('out') }]
          : [wrongPlugin, { HEARTBEATS: way === 'heartbeat' ? 'unary' : '' }];
      await using recorder = startKplug(
        ['record', file, '--controller', heartbeatAddress, '--', process.execPath, program],
        { env },
      );
      const calls = () => readFile(file, 'utf8').then((text) => text.trim().split('\n'));
      await vi.waitFor(async () => expect((await calls())[0], recorder.stderr).toContain('"Reconcile"'), {
        timeout: 30_000,
      });
      const [first = ''] = await calls();
      const extension = { json: { kind: 'GreetingStyle', spec: { shout: true } } };
      expect(JSON.parse(first)).toMatchObject({
        method: 'Reconcile',
        request: { base: { json: { kind: 'Greeting', spec: { to: 'World' } } } },
        response: { outcome: 'OUTCOME_SUCCESS' },
      });
      expect(Object.values(JSON.parse(first).request.extensions)).toEqual([
        expect.objectContaining({ json: expect.objectContaining(extension.json) }),
      ]);

      const plugin = await addressOfPlugin(adminAddress);
      const same = await kplug(['replay', file, '--plugin', plugin]);
      expect(same).toMatchObject({ code: 0, stderr: expect.stringMatching(/^\d+ calls, no differences/) });

      const otherwise = first.replace('"OUTCOME_SUCCESS"', '"OUTCOME_RETRY"');
      await workspace.write('edited.jsonl', `${otherwise}\n`);
      const different = await kplug(['replay', workspace.path('edited.jsonl'), '--plugin', plugin]);
      expect(different).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('1 of 1 answers differ'),
      });
      expect(different.stdout).toMatch(/Greeting default\/world +differs +\.outcome: "RETRY" → "SUCCESS"/);

      recorder.kill('SIGTERM');
      expect(await recorder.ended()).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/recorded (1 call|\d+ calls) in /),
      });
    },
  );

  it('print the output of the plugin, which explains why nothing is recorded', async () => {
    await using workspace = await GreetingWorkspace.make();
    const file = workspace.path('calls.jsonl');
    const plugin = ['-e', 'console.error("no operator"); console.log("giving up")'];
    const result = await kplug(['record', file, '--', process.execPath, ...plugin]);
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('no operator\n') });
    expect(result.stderr).toContain('giving up\n');
    expect(result.stderr).toContain(`recording to ${file}\n`);
    expect(result.stderr).toContain(`recorded 0 calls in ${file}\n`);
  });

  it.each([
    ['the file does not exist', ['nowhere.jsonl', '--plugin', 'x:1'], 2, /cannot read nowhere\.jsonl/],
    ['a line is not a call', ['world.yaml', '--plugin', 'x:1'], 2, /world\.yaml:1: not JSON/],
  ])('fails when %s', async (_, args, code, message) => {
    await using workspace = await GreetingWorkspace.make({ 'world.yaml': world });
    const result = await kplug(['replay', ...args], { cwd: workspace.folder });
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
  });
});
