import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { goModule, goVariables, hasGoFor } from './languages/go.ts';
import { installedPython, pythonPackage } from './python/environment.ts';

/**
 * `pnpm check`: everything that can be said of the sources without running them. All checks run, and each that fails shows
 * what it printed.
 */
interface Check {
  name: string;
  command: string[];
  /** Where; at the top of the repository if missing. */
  cwd?: string;
  /** Variables besides those of this process. */
  env?: NodeJS.ProcessEnv;
  /** What to do when it fails. */
  advice: string;
}

const generated = join(tmpdir(), `kplug-generated-${process.pid}`);

const checks: Check[] = [
  {
    name: 'format and lint',
    command: ['biome', 'check', '--error-on-warnings', '.'],
    advice: 'npx pnpm exec biome check --write .',
  },
  {
    name: 'layers',
    command: ['depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'err', 'packages'],
    advice: 'import only what .dependency-cruiser.mjs allows, or move the code to where it belongs',
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'], advice: 'mend the types' },
  { name: 'protocol', command: ['buf', 'lint'], advice: 'mend the .proto files' },
  ...releasedProtocolChecks(),
  {
    name: 'generated code',
    command: [
      'sh',
      '-c',
      [
        `buf generate -o '${generated}'`,
        `diff -r '${generated}/packages/protocol/src/gen' packages/protocol/src/gen`,
        `buf generate --template examples/foobar/buf.gen.yaml -o '${generated}'`,
        `diff -r '${generated}/examples/foobar/gen' examples/foobar/gen`,
      ].join(' && '),
    ],
    advice: 'npx pnpm generate, and commit what it changes',
  },
  {
    name: 'public API',
    command: ['node', 'tools/api-reports.ts'],
    advice: 'if the change is meant, npx pnpm generate:api, and commit what it changes',
  },
  { name: 'unused code', command: ['knip'], advice: 'remove what nothing uses' },
];

/** What has been released stays as it is. `pnpm release:version`, which prepares a release, writes down what that is. */
function releasedProtocolChecks(): Check[] {
  const released = 'proto/released.binpb';
  if (!existsSync(released)) return [];
  const advice = 'keep what is released as it is, and add beside it';
  return [{ name: 'protocol since the last release', command: ['buf', 'breaking', '--against', released], advice }];
}

/** The checks of the Python package and its example, by the Python of the development environment. */
function pythonChecks(python: string): Check[] {
  const ruff = (...args: string[]) => [python, '-m', 'ruff', ...args, pythonPackage, 'examples/plugins/python'];
  const output = join(generated, 'python');
  return [
    { name: 'Python format', command: ruff('format', '--check'), advice: ruff('format').join(' ') },
    { name: 'Python lint', command: ruff('check'), advice: ruff('check', '--fix').join(' ') },
    { name: 'Python types', command: [python, '-m', 'mypy'], cwd: pythonPackage, advice: 'mend the types' },
    {
      name: 'generated Python code',
      command: [
        'sh',
        '-c',
        `node tools/generate-python.ts -o '${output}' &&
         diff -r -x __init__.py -x __pycache__ '${output}/kplug/v1' '${pythonPackage}/src/kplug/v1'`,
      ],
      advice: 'npx pnpm generate, and commit what it changes',
    },
  ];
}

/** The checks of the example in Go. */
function goChecks(): Check[] {
  const inGo = { cwd: goModule, env: goVariables };
  const output = join(generated, 'go');
  return [
    // It ends with 0 whatever it finds, but prints only what is wrong.
    { ...inGo, name: 'Go format', command: ['sh', '-c', '! gofmt -d . | grep .'], advice: `gofmt -w ${goModule}` },
    { ...inGo, name: 'Go vet', command: ['go', 'vet', './...'], advice: 'mend what it says' },
    {
      name: 'generated Go code',
      command: [
        'sh',
        '-c',
        `node tools/generate-go.ts -o '${output}' && diff -r '${output}/examples/plugins/go/gen' '${goModule}/gen'`,
      ],
      advice: 'npx pnpm generate, and commit what it changes',
    },
  ];
}

if (await hasGoFor('the checks of Go')) checks.push(...goChecks());

const python = installedPython();
if (python) checks.push(...pythonChecks(python));
else {
  const missing = 'Python: its environment is missing or not up to date; npx pnpm python:install makes it';
  if (process.env.CI) throw new Error(missing);
  console.log(`SKIPPED ${missing}`);
}

interface Outcome extends Check {
  code: number;
  output: string;
  seconds: string;
}

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = check.command;
    const child = spawn(program, args, {
      cwd: check.cwd,
      env: { ...process.env, ...check.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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
