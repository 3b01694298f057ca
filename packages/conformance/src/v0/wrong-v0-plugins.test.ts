import { parseManifests } from '@kplug/controller/tools';
import { GreetingWorkspace, greetingPlugin, world } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished } from 'vitest';
import { conformAddress, conformCommand } from '../plugin/conform-plugin.ts';
import type { Report } from '../report.ts';
import { WrongV0Plugin, wrongV0Plugin } from '../testing/index.ts';

const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

async function serve(wrong: string): Promise<string> {
  const plugin = new WrongV0Plugin(wrong);
  onTestFinished(() => plugin.server.forceShutdown());
  return `127.0.0.1:${await plugin.listen()}`;
}

async function conform(wrong: string): Promise<Report> {
  // Parsing 4 MiB of YAML takes long on a busy machine.
  const timeout = wrong === 'F7 late' ? 3_000 : 15_000;
  return conformAddress(await serve(wrong), { manifests, protocol: 'kplug', timeout, interval: 200 });
}

/** Describes the requirements that are not met. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

describe("a conformant plugin of the first Kplug's protocol", () => {
  it('passes all requirements', async () => {
    const report = await conform('nothing');
    expect(unmet(report)).toEqual([]);
    const notTried = report.verdicts.filter(({ result }) => result === 'notTried');
    expect(notTried.map(({ number, remark }) => `${number}: ${remark}`)).toEqual(
      ['F1', 'F1', 'F1', 'F2'].map((number) => expect.stringMatching(`^${number}: only an address was given`)),
    );
  });

  it('is recognized when only its address is given', async () => {
    const report = conformAddress(await serve('nothing'), { manifests, timeout: 1_500, interval: 200 });
    await expect(report).rejects.toThrow(/give --protocol kplug$/);
  });
});

describe("a plugin of the first Kplug's protocol that answers incorrectly fails only the violated requirement", () => {
  it.each([
    ['F3 create', 'F3 failed: creates the given resource'],
    ['F3 again', 'F3 failed: creates a resource that already'],
    ['F3 deleted', 'F3 failed: creates a deleted resource'],
    ['F3 update', 'F3 failed: updates a resource repeatedly'],
    ['F3 missing', 'F3 failed: updates a missing resource'],
    ['F4 list', 'F4 failed: returns YAML mappings or nothing: the status of the base is not a mapping'],
    ['F4 yaml', 'F4 failed: returns YAML mappings or nothing: the status of the base is not YAML'],
    ['F4 key', 'F4 failed: returns YAML mappings or nothing: the status of the base has the key __proto__'],
    ['F4 others', 'F4 failed: returns only keys'],
    ['F4 field', "F4 warning: returns none of the operator's status fields"],
    ['F5 delete', 'F5 failed: deletes what it created'],
    ['F5 again', 'F5 failed: deletes again'],
    ['F5 unseen', 'F5 failed: deletes a resource that it never'],
    ['F5 answer', 'F5 warning: answers delete with an Empty'],
    ['F6', 'F6 failed: answers a failure'],
    ['F7 large', 'F7 failed: accepts messages'],
    ['F7 cancelled', 'F7 warning: keeps working after'],
    ['F7 late', 'F7 warning: answers before'],
    [
      'F8',
      /F8 warning: serves concurrent calls: \d+ of 32 concurrent calls failed, and succeeded alone: .*v0Concurrency: 1/,
    ],
    ['F8 mixed', 'F8 warning: serves concurrent calls: an answer about one resource names another'],
    ['P32', 'P32 failed: fails an unreadable'],
    ['P33', 'P33 failed: answers when references'],
  ])('%s', async (wrong, expected) => {
    expect(unmet(await conform(wrong))).toEqual([expect.stringMatching(expected)]);
  });
});

describe.concurrent("a plugin process that sends the first Kplug's heartbeats", { timeout: 120_000 }, () => {
  const options = { manifests, timeout: 15_000, interval: 400 };
  const times = { v0Interval: 1_500 };

  it.each([
    ['nothing', []],
    ['F1 api', ['F1 failed: calls pluginHeartbeat with an address']],
    ['F1 seldom', ['F1 warning: sends a heartbeat every five']],
    ['F1 log', ['F1 warning: logs why']],
    ['F1 gives up', ['F1 warning: logs why']],
    ['F2 nobody', ['F2 failed: is reachable']],
  ])('and violates %s fails only that', async (wrong, expected) => {
    const command = ['env', `WRONG=${wrong}`, process.execPath, wrongV0Plugin];
    const report = await conformCommand(command, { ...options, times, only: ['F1', 'F2'] });
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it('with the address of another process fails only that', async () => {
    const command = ['env', `OTHER_ADDRESS=${await serve('nothing')}`, process.execPath, wrongV0Plugin];
    const report = await conformCommand(command, { ...options, times, only: ['F1', 'F2'] });
    expect(unmet(report)).toEqual([expect.stringContaining('F2 failed: is the process that answers')]);
  });

  it('that exits before a heartbeat fails F1', async () => {
    const command = ['env', 'WRONG=F1', process.execPath, wrongV0Plugin];
    const report = await conformCommand(command, { ...options, protocol: 'kplug' });
    expect(unmet(report)).toEqual([expect.stringContaining('F1 failed: calls pluginHeartbeat')]);
  });

  it('of the SDK passes all requirements', async () => {
    await using workspace = await GreetingWorkspace.make();
    const command = ['env', `GREETING_FOLDER=${workspace.path('out')}`, process.execPath, greetingPlugin];
    const report = await conformCommand(command, { ...options, protocol: 'kplug' });
    expect(unmet(report)).toEqual([]);
    expect(report.verdicts.filter(({ result }) => result === 'notTried')).toEqual([]);
  });
});
