// Attacks on who reads the output of a plugin that the operator runs, and on the operator that keeps it.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { HostingService } from '@kplug/protocol';
import { kplug } from '@kplug/testing/kplug';
import { HostingTrial, moduleOf } from '@kplug/testing/supervisor';
import { expect, it, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';
import { expectPrintable, hostile } from './hostile-text.fixture.ts';

/** Longest time that the event loop may be blocked, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

const waiting = { timeout: 10_000, interval: 20 };

// Without the escapes, the output of a plugin takes over the terminal of who reads its log, and forges lines of others.
it('lines of output are printed on one line each, with nothing that a terminal obeys', async () => {
  const trial = await HostingTrial.start({}, { adminAddress: '127.0.0.1:0' });
  await trial.put('honest.js', moduleOf());
  const program = `const text = ${JSON.stringify(hostile)};
console.log(text); console.error(JSON.stringify({ level: 50, msg: text, [text]: text })); console.log('\ud800' + 'x'.repeat(20000));
setInterval(() => {}, 1000);`;
  await trial.put('hostile.mjs', program);
  const ask = (...args: string[]) =>
    kplug(['logs', 'hostile.mjs', '--admin', trial.operator.controller.adminAddress, ...args]);
  await vi.waitFor(() => expect(trial.linesOf('hostile.mjs').length).toBeGreaterThanOrEqual(4), waiting);
  const prefixed = await ask('--prefix');
  for (const { code, stdout, stderr } of [prefixed, await ask('-o', 'json')]) {
    expect(code).toBe(0);
    expectPrintable(stdout + stderr);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(8_500);
  }
  for (const line of prefixed.stdout.trimEnd().split('\n')) expect(line).toMatch(/^\[hostile\.mjs\] /);
  await trial.expectState('honest.js', 'live', { restarts: 0 });
});

// Without the limits, a plugin that writes without a pause fills the memory with the lines that are kept of it.
it('a plugin that writes without a pause has its last lines kept, and others are served', async () => {
  const trial = await HostingTrial.start({}, { adminAddress: '127.0.0.1:0' });
  await trial.put('honest.js', moduleOf());
  await trial.expectState('honest.js', 'live');
  const before = process.memoryUsage().rss;
  await trial.put(
    'flood.mjs',
    `import { writeSync } from 'node:fs';
const chunk = 'some words of a line of output\\n'.repeat(2000);
for (;;) try { writeSync(1, chunk); } catch (error) { if (error.code !== 'EAGAIN') throw error; }`,
  );
  const transport = createConnectTransport({
    baseUrl: `http://${trial.operator.controller.adminAddress}`,
    httpVersion: '1.1',
  });
  const hosting = createClient(HostingService, transport);
  const read = (followToken = '') => hosting.readOutput({ plugin: 'flood.mjs', followToken });
  const block = await longestBlock(async () => {
    await vi.waitFor(async () => expect((await read()).lines).toHaveLength(1_000), { timeout: 20_000, interval: 50 });
    const { followToken } = await read();
    await vi.waitFor(async () => expect((await read(followToken)).hasGap).toBe(true), {
      timeout: 20_000,
      interval: 50,
    });
    trial.operator.table('users');
    await trial.operator.expectReady('users', 'Folder');
  });
  expect(block / unitOfWork()).toBeLessThan(maxBlock);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
  await trial.expectState('honest.js', 'live', { restarts: 0 });
});
