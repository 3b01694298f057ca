import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, startKplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { cellsOf } from '../testing/cells-of.ts';

const waiting = { timeout: 20_000, interval: 20 };

let workspace: GreetingWorkspace;
let operator: { at: OperatorFile };

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
  operator = await workspace.startGreeting();
});

afterAll(() => workspace[Symbol.asyncDispose]());

const ask = (...args: string[]) => kplug(['top', ...args], { cwd: workspace.manifests });

const latency = /^(\d\.\dms|\d+ms|\d+\.\ds)$/;

describe('kplug top', () => {
  it('shows passes, calls, failures and latency of each plugin', async () => {
    const { code, stdout, stderr } = await ask();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [header, row, ...others] = cellsOf(stdout);
    expect(header).toEqual(['PLUGIN', 'PASSES/S', 'FAILED', 'CALLS/S', 'ERRORS', 'P50', 'P99', 'IN-FLIGHT']);
    expect(row).toEqual([
      'Plain',
      expect.stringMatching(/^\d+\.\d\d$/),
      '0',
      expect.stringMatching(/^\d+\.\d\d$/),
      '0',
      expect.stringMatching(latency),
      expect.stringMatching(latency),
      '0',
    ]);
    expect(others).toEqual([]);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('shows what is not known as "-", never as 0', async () => {
    const idle = workspace.startPlugin(operator.at.heartbeatAddress, { GREETING_PLUGIN: 'Idle' });
    await vi.waitFor(async () => expect((await ask()).stdout).toContain('Idle'), waiting);
    const row = cellsOf((await ask('-o', 'wide')).stdout).find(([name]) => name === 'Idle');
    expect(row).toEqual(['Idle', '0', '0', '0', '0', '-', '-', '0', '1/1', '-']);
    idle.kill('SIGTERM');
    await vi.waitFor(async () => expect((await ask()).stdout).not.toContain('Idle'), waiting);
  });

  it('shows delegations, and the work since the start', async () => {
    const [header, row] = cellsOf((await ask('--delegations', '--since-start')).stdout);
    expect(header).toEqual(['DELEGATION', 'RESOURCES', 'PASSES/S', 'FAILED', 'P50', 'P99', 'ACTIVE', 'WAITING']);
    expect([row?.[0], row?.[1], row?.[6], row?.[7]]).toEqual(['greetings', '1', '0', '0']);
  });

  it('prints JSON and YAML in the form of the protocol', async () => {
    const load = {
      plugins: [{ plugin: 'Plain', instances: 1, inFlight: 0, recentCalls: { p50: expect.stringMatching(/s$/) } }],
      delegations: [{ delegation: 'greetings' }],
      totalTime: expect.stringMatching(/s$/),
    };
    expect(JSON.parse((await ask('-o', 'json')).stdout)).toMatchObject(load);
    expect(parse((await ask('-o', 'yaml')).stdout)).toMatchObject(load);
  });

  it('marks a plugin that is gone, and figures that are stale', async () => {
    await using other = await GreetingWorkspace.make();
    const short = await other.startOperator();
    const plugin = other.startPlugin(short.at.heartbeatAddress);
    await other.greeting('world', 'HELLO, WORLD!');
    await using watch = startKplug(['top', '-w', '--manifests', other.manifests]);
    await vi.waitFor(() => expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d {3}over \d+s\nPLUGIN /), waiting);
    plugin.kill('SIGTERM');
    await vi.waitFor(() => expect(watch.stdout).toMatch(/^Plain \(gone\) /m), waiting);
    short.kill('SIGKILL');
    await vi.waitFor(
      () => expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d {3}stale: no answer for \d+s\nPLUGIN /m),
      waiting,
    );
    watch.kill('SIGINT');
    expect(await watch.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  it('fails without an operator', async () => {
    const { code, stderr } = await kplug(['top', '-w', '--admin', '127.0.0.1:1']);
    expect(code).toBe(4);
    expect(stderr).toContain('no operator answers at http://127.0.0.1:1');
  });
});
