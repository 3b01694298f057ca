import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { goModules, goSdk, goVariables, hasGoFor } from './languages/go.ts';
import { installedPython, pythonPackage } from './python/environment.ts';

/**
 * `pnpm check`: static checks of the sources and the documentation. All checks run, and the output of each that fails is shown.
 */
interface Check {
  name: string;
  command: string[];
  /** Working directory. Default: the top of the repository. */
  cwd?: string;
  /** Environment variables added to those of this process. */
  env?: NodeJS.ProcessEnv;
  /** Advice for the developer when the check fails. */
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
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'], advice: 'fix the types' },
  { name: 'types of the page', command: ['tsc', '-p', 'packages/page/browser'], advice: 'fix the types' },
  {
    name: 'architecture and links',
    command: ['node', 'tools/check-architecture.ts'],
    advice: 'make docs/architecture.md agree with the tree, and correct the links',
  },
  { name: 'protocol', command: ['buf', 'lint'], advice: 'fix the .proto files' },
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

/** Check of the protocol against the last release, whose copy `pnpm release` writes. None before the first release. */
function releasedProtocolChecks(): Check[] {
  const released = 'proto/released.binpb';
  if (!existsSync(released)) return [];
  const advice = 'do not change what is released; add new messages or fields';
  return [{ name: 'protocol since the last release', command: ['buf', 'breaking', '--against', released], advice }];
}

/** Checks of the Python package and its example, run by the Python of the development environment. */
function pythonChecks(python: string): Check[] {
  const ruff = (...args: string[]) => [python, '-m', 'ruff', ...args, pythonPackage, 'examples/plugins/python'];
  const output = join(generated, 'python');
  return [
    { name: 'Python format', command: ruff('format', '--check'), advice: ruff('format').join(' ') },
    { name: 'Python lint', command: ruff('check'), advice: ruff('check', '--fix').join(' ') },
    { name: 'Python types', command: [python, '-m', 'mypy'], cwd: pythonPackage, advice: 'fix the types' },
    {
      name: 'generated Python code',
      command: [
        'sh',
        '-c',
        `node tools/generate-python.ts -o '${output}' &&
         diff -r -x __init__.py -x __pycache__ '${output}/kplug/v1' '${pythonPackage}/src/kplug/v1'`,
      ],
      advice: 'npx pnpm generate, and commit the changes',
    },
  ];
}

/** Checks of the Go module and its example, and checks by programs that Go builds. */
function goChecks(): Check[] {
  const output = join(generated, 'go');
  return [
    {
      name: 'table of what kubectl reads from YAML',
      command: ['node', 'tools/kubectl-yaml/generate.ts', '--check'],
      env: goVariables,
      advice: 'npx pnpm generate:kubectl-yaml, and commit the changes',
    },
    { name: 'workflows', command: ['node', 'tools/check-workflows.ts'], advice: 'fix the reported problems' },
    // gofmt exits with 0 in any case, and prints the differences.
    {
      name: 'Go format',
      command: ['sh', '-c', '! gofmt -d "$@" | grep .', 'sh', ...goModules],
      env: goVariables,
      advice: `gofmt -w ${goModules.join(' ')}`,
    },
    ...goModules.map((cwd) => ({
      name: `Go vet of ${basename(cwd)}`,
      command: ['go', 'vet', './...'],
      cwd,
      env: goVariables,
      advice: 'fix the reported problems',
    })),
    {
      name: 'generated Go code',
      command: [
        'sh',
        '-c',
        `node tools/generate-go.ts -o '${output}' && diff -r '${output}/packages/sdk-go/gen' '${goSdk}/gen'`,
      ],
      advice: 'npx pnpm generate, and commit the changes',
    },
  ];
}

if (await hasGoFor('the checks of Go')) checks.push(...goChecks());

const python = installedPython();
if (python) checks.push(...pythonChecks(python));
else {
  const missing = 'Python checks: the environment is missing or out of date; run npx pnpm python:install';
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
