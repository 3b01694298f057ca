import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `pnpm check`: everything that can be said of the sources without running them. All checks run, and each that fails shows
 * what it printed.
 */
interface Check {
  name: string;
  command: string[];
  /** What to do when it fails. */
  advice: string;
}

const generated = join(tmpdir(), `kplug-generated-${process.pid}`);

const checks: Check[] = [
  {
    name: 'format, lint and layers',
    command: ['biome', 'check', '--error-on-warnings', '.'],
    advice: 'npx pnpm exec biome check --write .',
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'], advice: 'mend the types' },
  { name: 'protocol', command: ['buf', 'lint'], advice: 'mend the .proto files' },
  {
    name: 'generated code',
    command: [
      'sh',
      '-c',
      `buf generate -o '${generated}' && diff -r '${generated}/packages/protocol/src/gen' packages/protocol/src/gen`,
    ],
    advice: 'npx pnpm generate, and commit what it changes',
  },
  { name: 'unused code', command: ['knip'], advice: 'remove what nothing uses' },
];

interface Outcome extends Check {
  code: number;
  output: string;
  seconds: string;
}

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = check.command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      if (signal) output += `\nkilled by ${signal}`;
      resolve({ ...check, code: code ?? 1, output, seconds });
    });
  });
}

const waiting = [...checks];
const failed: Outcome[] = [];
async function work(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const outcome = await run(check);
    console.log(`${outcome.code === 0 ? 'ok    ' : 'FAILED'}  ${outcome.name} (${outcome.seconds} s)`);
    if (outcome.code !== 0) failed.push(outcome);
  }
}

await Promise.all(Array.from({ length: Math.max(1, cpus().length) }, work));
await rm(generated, { recursive: true, force: true });
for (const { name, output, advice } of failed) console.error(`\n${name}:\n${output.trim()}\n-> ${advice}`);
if (failed.length > 0) process.exit(1);
