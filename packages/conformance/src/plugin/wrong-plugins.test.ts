import { parseManifests } from '@kplug/controller/tools';
import { world } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Report } from '../report.ts';
import { WrongPlugin, wrongPlugin } from '../testing/index.ts';
import { conformAddress, conformCommand } from './conform-plugin.ts';

const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

async function conform(wrong: string): Promise<Report> {
  const plugin = new WrongPlugin(wrong, 'wrong');
  onTestFinished(() => plugin.server.forceShutdown());
  const address = `127.0.0.1:${await plugin.listen()}`;
  return conformAddress(address, { manifests, timeout: 1_500, interval: 200 });
}

/** Describes the requirements that are not met. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

describe('a conformant plugin', () => {
  it('passes all requirements', async () => {
    const report = await conform('nothing');
    expect(unmet(report)).toEqual([]);
    const passed = report.verdicts.filter(({ result }) => result === 'passed');
    expect(passed.length).toBe(38);
    expect(report.verdicts.find(({ number }) => number === 'P5')?.remark).toMatch(/only an address was given/);
  });
});

describe('a plugin that answers incorrectly fails only the violated requirement', () => {
  it.each([
    ['P12', 'P12 warning: serves grpc.health.v1.Health'],
    ['P13', 'P13 warning: serves server reflection'],
    ['P14 large', 'P14 failed: accepts messages of up to 4 MiB'],
    ['P14 many', 'P14 warning: accepts 16 concurrent calls'],
    ['P15', 'P15 failed: ignores unknown fields'],
    ['P16 first', 'P16 failed: reconciles the given resource'],
    ['P16 again', 'P16 failed: gives the same result'],
    ['P17', 'P17 failed: relies on no order'],
    ['P18', 'P18 failed: answers with an outcome'],
    ['P19', 'P19 warning: gives a reason'],
    ['P21', 'P21 failed: returns statuses'],
    ['P22', 'P22 failed: refers only'],
    ['P23 condition', "P23 failed: returns none of the controller's conditions"],
    ['P23 status', "P23 warning: returns none of the controller's status fields"],
    ['P24', 'P24 warning: returns the same status'],
    ['P25 late', 'P25 failed: answers before the deadline'],
    ['P25 cancelled', 'P25 warning: keeps working after'],
    ['P26', 'P26 failed: returns at most'],
    ['P37', 'P37 failed: returns valid dependents'],
    ['P37 rules', 'P37 failed: returns valid dependents'],
    ['P38', 'P38 failed: returns answers that every controller accepts'],
    ['P50', 'P50 failed: returns a valid_for that'],
    ['P51', 'P51 failed: reports progress with RETRY only'],
    ['P52', 'P52 failed: states valid requirements'],
    ['P52 unstable', 'P52 failed: states the same requirements'],
    ['P39', 'P39 failed: accepts a call for a resource while an earlier one'],
    ['P27', 'P27 failed: finalizes what it reconciled'],
    ['P27 unseen', 'P27 failed: finalizes a resource that it never'],
    ['P28', 'P28 failed: finalizes again'],
    ['P31', 'P31 failed: answers each call on a Work stream'],
    ['P32', 'P32 failed: fails an unreadable'],
    ['P33', 'P33 failed: answers when extensions are missing'],
    ['P34', 'P34 warning: serves the health of each API'],
    ['P35', 'P35 failed: answers GetInfo with a name'],
    ['P35 provides', 'P35 failed: answers GetInfo with a name'],
    ['P53', 'P53 failed: fails a call for a version'],
    ['P53 finalize', 'P53 failed: finalizes a base whose version'],
    ['P54', 'P54 warning: returns the same dependents'],
  ])('%s', async (wrong, expected) => {
    expect(unmet(await conform(wrong))).toEqual([expect.stringContaining(expected)]);
  });
});

describe.concurrent('a plugin process that misbehaves fails only the violated requirement', {
  timeout: 120_000,
}, () => {
  const only = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11', 'P29', 'P30', 'P31', 'P36'];
  it.each([
    ['nothing', []],
    ['P1', ['P1 failed: registers with the registry']],
    ['P2', ['P2 failed: registers with a name']],
    ['P3', ['P3 warning: uses a new instance id']],
    ['P4', ['P4 failed: is reachable']],
    ['P5', ['P5 failed: sends at least one heartbeat']],
    ['P6', ['P6 failed: registers again']],
    ['P6 storm', ['P6 warning: increases the delay']],
    ['P7', ['P7 warning: sends heartbeats by Heartbeat']],
    ['P8', ['P8 warning: logs why']],
    ['P9', ['P9 warning: exits when']],
    ['P11', ['P11 failed: answers GetInfo']],
    ['P29', ['P29 warning: deregisters']],
    ['P30 call', ['P30 warning: finishes in-flight calls']],
    ['P30 exit', ['P30 warning: ends its session']],
    ['P31 end', ['P31 warning: ends its Work streams']],
    ['P36', ['P36 warning: uses the instance id']],
  ])('%s', async (wrong, expected) => {
    // The tests run concurrently, so each process gets its own variable.
    const command = ['env', `WRONG=${wrong}`, process.execPath, wrongPlugin];
    const times = { reconnect: 8_000, attempts: 3_000, refusal: 1_000, log: 2_000 };
    const report = await conformCommand(command, { manifests, timeout: 3_000, interval: 400, only, times });
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });
});

it('a plugin without a secret, a token and TLS fails the requirements on them', { timeout: 120_000 }, async () => {
  const command = ['env', 'WRONG=P40', process.execPath, wrongPlugin];
  const times = { start: 8_000, refusal: 1_000, log: 2_000 };
  const only = ['P1', 'P40', 'P41', 'P42', 'P43', 'P44', 'P45', 'P46', 'P47', 'P48', 'P49'];
  const { verdicts } = await conformCommand(command, { manifests, timeout: 3_000, interval: 400, only, times });
  const results = Object.fromEntries(verdicts.map(({ number, result }) => [number, result]));
  expect(results).toEqual({
    ...{ P1: 'passed', P40: 'failed', P41: 'warning', P42: 'failed', P43: 'passed', P44: 'failed' },
    ...{ P45: 'notTried', P46: 'notTried', P47: 'passed', P48: 'notTried', P49: 'passed' },
  });
});
