// Attacks on the operator by the output of a process that it runs.
import { readFileSync } from 'node:fs';
import { HostingTrial, moduleOf, waitOptions } from '@kplug/testing/supervisor';
import { expect, it, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const MiB = 2 ** 20;
/** Longest time that the event loop may be blocked, in units of a computation that takes about a millisecond. */
const maxBlock = 50;
/** Bytes that a process writes at least, while honest plugins go on. */
const enough = 3 * MiB;

/** Returns a script that writes until it is killed, and prints to a file how much it has written. */
const flood = (
  name: string,
  text: string,
  stream: 'stdout' | 'stderr',
) => `import { writeSync, writeFileSync } from 'node:fs';
const text = ${text};
const chunk = Buffer.from(text.repeat(Math.ceil(65536 / text.length)));
let written = 0;
for (let round = 0; ; round++) {
  try { written += writeSync(${stream === 'stdout' ? 1 : 2}, chunk); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  if (round % 16 === 0) writeFileSync('_${name}', String(written));
}
`;

type Flood = [name: string, text: string, stream: 'stdout' | 'stderr'];

const floods: [string, Flood[]][] = [
  [
    'texts',
    [
      // Without the defence the line grows until memory ends.
      ['endless', `'x'`, 'stdout'],
      // Without the defence each short line costs more than it took to write it, and blocks the loop.
      ['short', `'a\\n'`, 'stderr'],
      ['binary', `'\\udfff\\u0000\\u202e\\u001b[2J'`, 'stderr'],
    ],
  ],
  [
    'lines',
    [
      // Without the defence each line is parsed as JSON before it is dropped.
      ['json', `'{"level":50,"msg":"' + 'm'.repeat(4000) + '","a":{"b":[1,2,3]}}\\n'`, 'stdout'],
      // Without the defence writing such a line to the log takes time with the square of its depth.
      ['deep', `'{"level":50,"msg":"x","a":' + '['.repeat(3900) + ']'.repeat(3900) + '}\\n'`, 'stderr'],
      ['empty', `'\\n'`, 'stdout'],
    ],
  ],
];

it.each(floods)(
  'processes that write %s without a pause neither block the operator nor fill its memory',
  async (_, all) => {
    const trial = await HostingTrial.start();
    await trial.put('honest.js', moduleOf());
    const { pid } = await trial.expectState('honest.js', 'live');
    const unit = unitOfWork();
    const before = process.memoryUsage().rss;
    const block = await longestBlock(async () => {
      for (const [name, text, stream] of all) await trial.put(`${name}.mjs`, flood(name, text, stream));
      for (const [name] of all) {
        const written = () => Number(readFileSync(trial.path(`_${name}`), 'utf8'));
        await vi.waitFor(() => expect(written()).toBeGreaterThan(enough), waitOptions);
      }
      for (const name of ['users', 'orders']) {
        trial.operator.table(name);
        await trial.operator.expectReady(name, 'Folder');
      }
    });
    expect(block / unit).toBeLessThan(maxBlock);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MiB);
    expect(trial.status('honest.js')).toMatchObject({ pid, state: 'live', restarts: 0 });
    for (const [name] of all) {
      await trial.signal(`${name}.mjs`, 'SIGKILL');
      const { lastLines } = await trial.expectState(`${name}.mjs`, 'starting', { restarts: 1 });
      expect(lastLines.length).toBeLessThanOrEqual(20);
      expect(lastLines.every((line) => line.length <= 500)).toBe(true);
      expect(trial.linesOf(`${name}.mjs`).every((line) => line.length <= 8_193)).toBe(true);
    }
  },
);

it('the last lines of a flood are kept, as they tell why the process exited', async () => {
  // Without the defence a process hides the reason of its exit from the administrator behind other lines.
  const trial = await HostingTrial.start();
  const lines = `'before\\n'.repeat(5000) + JSON.stringify({ level: 50, msg: 'the disk is full' }) + '\\n'`;
  await trial.put('flood.mjs', `import { writeSync } from 'node:fs'; writeSync(2, ${lines}); process.exit(3);`);
  const { lastLines } = await trial.expectState('flood.mjs', 'failing', { lastExit: 'exit code 3' });
  expect(lastLines.at(-1)).toBe('the disk is full');
  expect(trial.log.map(({ msg }) => msg).some((msg) => /^dropped \d+ lines of output/.test(msg))).toBe(true);
});
