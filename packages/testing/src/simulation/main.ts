import { parseArgs } from 'node:util';

/**
 * `pnpm simulate`: runs the simulation, and exits with 1 after a violation.
 *
 *     pnpm simulate --steps 1000000 --seed 1
 *     pnpm simulate --seed 1 --path 3:1:0 --replay-path ABA:VF   # one failing run, as its report says
 *     pnpm simulate --mutation no-back-off                       # with a fault that is put back into the controller
 */
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    'replay-path': { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
    mutation: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const steps = Number(values.steps);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(steps)) throw new Error('--seed and --steps must be integers');

if (values.mutation !== undefined) {
  const { mutate } = await import('./mutations/mutate.ts');
  mutate(values.mutation);
}
// Imported last, so that the controller has the mutation.
const { simulate } = await import('./simulate.ts');

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
    `no violation: ${commands} steps in ${runs} runs, with ${released} scheduled tasks, in ${seconds.toFixed(1)} s ` +
      `(${Math.round(commands / seconds)} steps a second)`,
  );
} catch (error) {
  console.error(describe(error));
  process.exitCode = 1;
}

/** The report of fast-check, with the violation that it found. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}\n\n${error.cause.message}` : error.message;
}
