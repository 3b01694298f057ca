import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OperatorFile, operatorFileOf } from '@kplug/operator/operator-file';
import { RunningProcess } from '@kplug/testing/kplug';
import { expect, onTestFinished, vi } from 'vitest';

const operatorProgram = fileURLToPath(new URL('../packages/operator/src/main.ts', import.meta.url));
const pluginProgram = fileURLToPath(new URL('../packages/testing/src/plugins/traced.ts', import.meta.url));

const configuration = `delegations:
  - name: tables
    base: { apiVersion: example.org/v1, kind: Table }
    api: Table@^1.0.0
    extensions: { kinds: [{ apiVersion: example.org/v1, kind: TableStyle }] }
    dependents: { kinds: [{ apiVersion: v1, kind: ConfigMap }] }
`;

/** Manifests of a table with an extension. */
export function tableManifest(spec: object = {}): string {
  const extensions = [{ apiVersion: 'example.org/v1', kind: 'TableStyle', name: 'wide' }];
  return [
    { apiVersion: 'example.org/v1', kind: 'Table', metadata: { name: 'users' }, spec: { extensions, ...spec } },
    { apiVersion: 'example.org/v1', kind: 'TableStyle', metadata: { name: 'wide' }, spec: {} },
  ]
    .map((one) => JSON.stringify(one))
    .join('\n---\n');
}

/** A running operator, as the image runs it, on a directory with a table. */
export interface TracedOperator {
  process: RunningProcess;
  at: OperatorFile;
  manifests: string;
}

/** Starts the program of the operator. It ends with the test. @param env `OTEL_*`. */
export async function startOperatorProgram(
  env: Record<string, string>,
  manifest = tableManifest(),
): Promise<TracedOperator> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-traces-'));
  const manifests = join(folder, 'manifests');
  await mkdir(manifests);
  await writeFile(join(manifests, 'table.yaml'), manifest);
  await writeFile(join(folder, 'kplug.yaml'), configuration);
  const place = ['--manifests', manifests, '--config', join(folder, 'kplug.yaml')];
  const ports = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];
  const started = new RunningProcess(operatorProgram, [...place, ...ports, '--log-format', 'json'], { env });
  onTestFinished(async () => {
    await started[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const at = await vi.waitFor(
    async () => {
      const text = await readFile(operatorFileOf(manifests), 'utf8').catch((cause: unknown) => {
        throw new Error(`the operator has not started: ${started.stderr}`, { cause });
      });
      return JSON.parse(text) as OperatorFile;
    },
    { timeout: 30_000, interval: 20 },
  );
  return { process: started, at, manifests };
}

/** Starts the plugin, which exports its own spans if `env` says so. It ends with the test. */
export function startTracedPlugin({ at }: TracedOperator, env: Record<string, string>): RunningProcess {
  const variables = {
    KPLUG_CONTROLLER: at.heartbeatAddress,
    KPLUG_LOG_LEVEL: 'info',
    OTEL_SERVICE_NAME: 'traced-plugin',
  };
  const plugin = new RunningProcess(pluginProgram, [], { env: { ...variables, ...env } });
  onTestFinished(() => plugin[Symbol.asyncDispose]());
  return plugin;
}

/** Lines of the operator's log. */
export function logOf({ process: { stderr } }: TracedOperator): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Waits until a line of the operator's log has a text. */
export async function logged(operator: TracedOperator, text: string): Promise<Record<string, unknown>> {
  return vi.waitFor(
    () => {
      const found = logOf(operator).find(({ msg }) => String(msg).includes(text));
      expect(found, operator.process.stderr).toBeDefined();
      return found as Record<string, unknown>;
    },
    { timeout: 30_000, interval: 20 },
  );
}
