import { fileURLToPath } from 'node:url';
import { parseManifests } from '@kplug/controller';
import { world } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Report } from '../report.ts';
import { WrongPlugin } from '../testing/wrong-serving.ts';
import { conformAddress, conformCommand } from './conform-plugin.ts';

const program = fileURLToPath(new URL('../testing/wrong-plugin.ts', import.meta.url));
const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

async function tryServing(wrong: string): Promise<Report> {
  const plugin = new WrongPlugin(wrong, 'wrong');
  onTestFinished(() => plugin.server.forceShutdown());
  const address = `127.0.0.1:${await plugin.listen()}`;
  return conformAddress(address, { manifests, timeout: 1_500, interval: 200 });
}

/** What isn't met, as `P5 failed`. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

describe('a plugin that answers calls rightly', () => {
  it('passes', async () => {
    const report = await tryServing('nothing');
    expect(unmet(report)).toEqual([]);
    const passed = report.verdicts.filter(({ result }) => result === 'passed');
    expect(passed.length).toBe(29);
    expect(report.verdicts.find(({ number }) => number === 'P5')?.remark).toMatch(/only an address was given/);
  });
});

describe('a plugin that answers calls wrongly fails what it breaks, and nothing else', () => {
  it.each([
    ['P12', 'P12 warning: serves grpc.health.v1.Health'],
    ['P13', 'P13 warning: serves server reflection'],
    ['P14 large', 'P14 failed: takes messages of up to 4 MiB'],
    ['P14 many', 'P14 warning: takes 16 calls at once'],
    ['P15', 'P15 failed: passes over fields'],
    ['P16 first', 'P16 failed: reconciles the resource'],
    ['P16 again', 'P16 failed: comes to the same result'],
    ['P17', 'P17 failed: relies on no order'],
    ['P18', 'P18 failed: answers with an outcome'],
    ['P19', 'P19 warning: gives a reason'],
    ['P21', 'P21 failed: returns statuses'],
    ['P22', 'P22 failed: names nothing'],
    ['P23 condition', "P23 failed: returns none of the controller's conditions"],
    ['P23 status', "P23 warning: returns none of the controller's status fields"],
    ['P24', 'P24 warning: gives the same status'],
    ['P25 late', 'P25 failed: answers before the deadline'],
    ['P25 cancelled', 'P25 warning: is well after a call'],
    ['P26', 'P26 failed: returns no more than'],
    ['P37', 'P37 failed: wants dependents that can be kept'],
    ['P27', 'P27 failed: finalizes what it reconciled'],
    ['P27 unseen', 'P27 failed: finalizes what it never saw'],
    ['P28', 'P28 failed: finalizes again'],
    ['P31', 'P31 failed: answers each call on a stream'],
    ['P32', 'P32 failed: fails a request'],
    ['P33', 'P33 failed: answers when extensions are missing'],
    ['P34', 'P34 warning: serves its health for each API'],
    ['P35', 'P35 failed: answers GetInfo with a name'],
  ])('%s', async (wrong, expected) => {
    expect(unmet(await tryServing(wrong))).toEqual([expect.stringContaining(expected)]);
  });
});

describe.concurrent('a plugin that lives wrongly fails what it breaks, and nothing else', { timeout: 120_000 }, () => {
  const only = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11', 'P29', 'P30', 'P31', 'P36'];
  it.each([
    ['nothing', []],
    ['P1', ['P1 failed: registers with the registry']],
    ['P2', ['P2 failed: registers with a name']],
    ['P3', ['P3 warning: makes a new instance id']],
    ['P4', ['P4 failed: is reached']],
    ['P5', ['P5 failed: beats at least once']],
    ['P6', ['P6 failed: registers again']],
    ['P6 storm', ['P6 warning: waits longer']],
    ['P7', ['P7 warning: beats by Heartbeat']],
    ['P8', ['P8 warning: logs why']],
    ['P9', ['P9 warning: stops when']],
    ['P11', ['P11 failed: answers GetInfo']],
    ['P29', ['P29 warning: deregisters']],
    ['P30 call', ['P30 warning: finishes the call']],
    ['P30 exit', ['P30 warning: ends its session']],
    ['P31 end', ['P31 warning: ends its streams']],
    ['P36', ['P36 warning: brings the instance id']],
  ])('%s', async (wrong, expected) => {
    // Its variable is only for this process, and the tests run at the same time.
    const command = ['env', `WRONG=${wrong}`, process.execPath, program];
    const report = await conformCommand(command, { manifests, timeout: 3_000, interval: 400, only });
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });
});
