import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    'replay-path': { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const steps = Number(values.steps);
console.log(`simulating ${steps} steps with seed ${seed}`);
const startedAt = performance.now();
try {
  const { runs, commands, released } = await simulate({
    steps,
    seed,
    endOnFailure: values['no-shrink'],
    ...(values.path !== undefined && { path: values.path }),
    ...(values['replay-path'] !== undefined && { replayPath: values['replay-path'] }),
  });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${commands} steps in ${runs} runs, with ${released} scheduled tasks, in ${seconds.toFixed(1)} s: ` +
      `${Math.round(commands / seconds)} steps a second, no violation`,
  );
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.message}` : '';
  return `${message}${cause}`;
}
