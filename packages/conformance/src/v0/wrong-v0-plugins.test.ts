import { fileURLToPath } from 'node:url';
import { parseManifests } from '@kplug/controller';
import { GreetingWorkspace, greetingPlugin, world } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished } from 'vitest';
import { conformAddress, conformCommand } from '../plugin/conform-plugin.ts';
import type { Report } from '../report.ts';
import { WrongV0Plugin } from '../testing/wrong-v0-serving.ts';

const program = fileURLToPath(new URL('../testing/wrong-v0-plugin.ts', import.meta.url));
const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

async function serve(wrong: string): Promise<string> {
  const plugin = new WrongV0Plugin(wrong);
  onTestFinished(() => plugin.server.forceShutdown());
  return `127.0.0.1:${await plugin.listen()}`;
}

async function tryServing(wrong: string): Promise<Report> {
  // Busy machines take a while to read 4 MiB of YAML.
  const timeout = wrong === 'F7 late' ? 3_000 : 15_000;
  return conformAddress(await serve(wrong), { manifests, protocol: 'kplug', timeout, interval: 200 });
}

/** What isn't met, as `F5 failed`. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

describe("a plugin of the first Kplug's protocol that answers calls rightly", () => {
  it('passes', async () => {
    const report = await tryServing('nothing');
    expect(unmet(report)).toEqual([]);
    const notTried = report.verdicts.filter(({ result }) => result === 'notTried');
    expect(notTried.map(({ number, remark }) => `${number}: ${remark}`)).toEqual(
      ['F1', 'F1', 'F1', 'F2'].map((number) => expect.stringMatching(`^${number}: only an address was given`)),
    );
  });

  it('is recognized where only its address is given', async () => {
    const untold = conformAddress(await serve('nothing'), { manifests, timeout: 1_500, interval: 200 });
    await expect(untold).rejects.toThrow(/say --protocol kplug$/);
  });
});

describe("a plugin of the first Kplug's protocol that answers wrongly fails what it breaks, and nothing else", () => {
  it.each([
    ['F3 create', 'F3 failed: creates the resource'],
    ['F3 again', 'F3 failed: creates what is there'],
    ['F3 deleted', 'F3 failed: creates what was deleted'],
    ['F3 update', 'F3 failed: updates what it created'],
    ['F3 missing', 'F3 failed: updates what is missing'],
    ['F4 list', "F4 failed: returns YAML mappings, or nothing: the status of the base isn't a mapping"],
    ['F4 yaml', "F4 failed: returns YAML mappings, or nothing: the status of the base isn't YAML"],
    ['F4 key', 'F4 failed: returns YAML mappings, or nothing: the status of the base has the key __proto__'],
    ['F4 others', 'F4 failed: returns no keys'],
    ['F4 field', "F4 warning: returns none of the operator's status fields"],
    ['F5 delete', 'F5 failed: deletes what it made'],
    ['F5 again', 'F5 failed: deletes again'],
    ['F5 unseen', 'F5 failed: deletes what it never saw'],
    ['F5 answer', 'F5 warning: answers delete with an Empty'],
    ['F6', 'F6 failed: answers a failure'],
    ['F7 large', 'F7 failed: takes messages'],
    ['F7 cancelled', 'F7 warning: is well after'],
    ['F7 late', 'F7 warning: answers before'],
    ['P32', 'P32 failed: fails a request'],
    ['P33', 'P33 failed: answers when references'],
  ])('%s', async (wrong, expected) => {
    expect(unmet(await tryServing(wrong))).toEqual([expect.stringContaining(expected)]);
  });
});

describe.concurrent("a plugin that beats in the first Kplug's protocol", { timeout: 120_000 }, () => {
  const options = { manifests, timeout: 15_000, interval: 400 };

  it.each([
    ['nothing', []],
    ['F1 api', ['F1 failed: calls pluginHeartbeat with an address']],
    ['F1 seldom', ['F1 warning: beats every five']],
    ['F1 log', ['F1 warning: logs why']],
    ['F1 gives up', ['F1 warning: logs why']],
    ['F2 nobody', ['F2 failed: is reached']],
  ])('and does %s wrong fails just that', async (wrong, expected) => {
    const command = ['env', `WRONG=${wrong}`, process.execPath, program];
    const report = await conformCommand(command, { ...options, only: ['F1', 'F2'] });
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it('at an address of another process fails just that', async () => {
    const command = ['env', `OTHER_ADDRESS=${await serve('nothing')}`, process.execPath, program];
    const report = await conformCommand(command, { ...options, only: ['F1', 'F2'] });
    expect(unmet(report)).toEqual([expect.stringContaining('F2 failed: is itself what answers')]);
  });

  it('and ends before it does fails F1', async () => {
    const command = ['env', 'WRONG=F1', process.execPath, program];
    const report = await conformCommand(command, { ...options, protocol: 'kplug' });
    expect(unmet(report)).toEqual([expect.stringContaining('F1 failed: calls pluginHeartbeat')]);
  });

  it('and is one of our SDK passes everything', async () => {
    await using workspace = await GreetingWorkspace.make();
    const command = ['env', `GREETING_FOLDER=${workspace.path('out')}`, process.execPath, greetingPlugin];
    const report = await conformCommand(command, { ...options, protocol: 'kplug' });
    expect(unmet(report)).toEqual([]);
    expect(report.verdicts.filter(({ result }) => result === 'notTried')).toEqual([]);
  });
});
