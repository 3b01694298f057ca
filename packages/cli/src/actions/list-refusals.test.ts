import * as grpc from '@grpc/grpc-js';
import type { OperatorFile } from '@kplug/operator/operator-file';
import { createGrpcClient, RegistryService, v0 } from '@kplug/protocol';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDoctor } from '../testing/run-doctor.ts';

let workspace: GreetingWorkspace;
let operator: { at: OperatorFile };

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
  operator = await workspace.startOperator();
});

afterAll(() => workspace[Symbol.asyncDispose]());

const hostile = '\u001b[2J\u001b]0;owned\u0007';

const list = (...args: string[]) => kplug(['plugins', '--refused', ...args], { cwd: workspace.manifests });

describe('kplug plugins --refused', () => {
  it('says that there are none', async () => {
    const { code, stdout, stderr } = await list();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe(`The operator at http://${operator.at.adminAddress} has refused no plugin recently.\n`);
  });

  it('lists refused plugins of both protocols with the reasons, and doctor reports them', async () => {
    const { heartbeatAddress } = operator.at;
    const credentials = grpc.credentials.createInsecure();
    const registry = createGrpcClient(RegistryService, heartbeatAddress, credentials);
    const apis = [{ name: 'Greeting', version: '1.0.0' }];
    const registration = { plugin: 'My Plugin', version: '1.0.0', apis, address: ':7000', instanceId: 'one' };
    for (const _ of [1, 2]) await registry.heartbeat({ registration });
    const slashed = { ...registration, plugin: 'Slashed', apis: [{ name: 'a/b', version: '1.0.0' }] };
    const session = registry.session();
    const ended = new Promise((resolve) => session.on('end', resolve).on('data', () => undefined));
    session.write({ message: { case: 'registration', value: slashed } });
    await ended;
    await registry.heartbeat({ registration: { ...registration, plugin: hostile } });
    registry.$client.close();
    const first = createGrpcClient(v0.Controller, heartbeatAddress, credentials);
    await first.pluginHeartbeat({ address: '127.0.0.1:7001', name: 'Old', version: 'v1', api: 'Greeting' });
    first.$client.close();

    const { code, stdout, stderr } = await list('-o', 'wide');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {3,}/));
    expect(rows[0]?.slice(0, 6)).toEqual(['NAME', 'VERSION', 'ADDRESS', 'REASON', 'COUNT', 'LAST-SEEN']);
    expect(rows.slice(1).map(([name, , address, reason, count]) => [name, address, reason, count])).toEqual([
      ['Old', '127.0.0.1:7001', 'INVALID', '1'],
      ['\\u001b[2J\\u001b]0;owned\\u0007', ':7000', 'INVALID', '1'],
      ['Slashed', ':7000', 'INVALID', '1'],
      ['My Plugin', ':7000', 'INVALID', '2'],
    ]);
    expect(rows[1]?.at(-1)).toContain('--allow-insecure-plugins');
    expect(stdout).not.toContain('\u001b');

    const { refusals } = JSON.parse((await list('-o', 'json')).stdout);
    expect(refusals).toHaveLength(4);
    expect(refusals[3]).toMatchObject({
      plugin: 'My Plugin',
      instanceId: 'one',
      apis: ['Greeting@1.0.0'],
      reason: 'REFUSAL_REASON_INVALID',
      protocol: 'kplug.v1',
      count: 2,
      message: expect.stringContaining('plugin "My Plugin" is malformed'),
    });

    const run = await runDoctor([], { cwd: workspace.manifests });
    const found = run.about('PluginsAccepted').map(({ outcome, message }) => `${outcome}: ${message}`);
    expect(found).toHaveLength(4);
    expect(found[3]).toMatch(/^warning: My Plugin 1\.0\.0 at :7000 was refused 2 times, last \d+s ago: plugin "My/);
  });

  it('lists a plugin no longer once it was accepted', async () => {
    workspace.startPlugin(operator.at.heartbeatAddress, { GREETING_PLUGIN: 'Slashed' });
    await expect.poll(async () => (await list()).stdout, { timeout: 20_000 }).not.toContain('Slashed');
    expect((await list()).stdout).toContain('My Plugin');
  });

  it('cannot be limited to an API', async () => {
    const { code, stderr } = await list('--api', 'Greeting');
    expect(code).toBe(2);
    expect(stderr).toContain("'--refused' cannot be used with option '--api <api>'");
  });
});
