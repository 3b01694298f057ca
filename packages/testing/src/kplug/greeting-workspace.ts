import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type OperatorFile, operatorFileOf } from '@kplug/operator/operator-file';
import { expect, vi } from 'vitest';
import { type RunningProcess, startGreetingPlugin, startKplug } from './kplug-process.ts';

/** Manifests of a greeting with an extension. */
export const world = `apiVersion: example.org/v1
kind: Greeting
metadata: { name: world }
spec:
  to: World
  preferredImplementation: Fancy
  extensions:
    - { apiVersion: example.org/v1, kind: GreetingStyle, name: loud }
---
apiVersion: example.org/v1
kind: GreetingStyle
metadata: { name: loud }
spec: { shout: true }
`;

/** Configuration file with a delegation. */
export const delegation = `delegations:
  - name: greetings
    base: { apiVersion: example.org/v1, kind: Greeting }
    api: Greeting@^1.0.0
    dependents: { kinds: [{ apiVersion: v1, kind: ConfigMap }] }
    requirements: { kinds: [{ apiVersion: v1, kind: ConfigMap }] }
    backOff: { initial: 20ms, max: 200ms }
`;

const freePorts = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];

/** A directory with manifests, a configuration file and greetings. It is removed, with its processes, when its scope ends. */
export class GreetingWorkspace implements AsyncDisposable {
  readonly folder: string;
  readonly #processes: RunningProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(files: Record<string, string> = { 'manifests/world.yaml': world }): Promise<GreetingWorkspace> {
    const workspace = new GreetingWorkspace(await mkdtemp(join(tmpdir(), 'kplug-cli-')));
    await mkdir(workspace.manifests);
    await workspace.write('kplug.yaml', delegation);
    for (const [file, text] of Object.entries(files)) await workspace.write(file, text);
    return workspace;
  }

  get manifests(): string {
    return join(this.folder, 'manifests');
  }

  get delegation(): string {
    return join(this.folder, 'kplug.yaml');
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), text);
  }

  /** Starts an operator on the manifests and waits until its address is known. */
  async startOperator(
    args: readonly string[] = [],
    { stateDir }: { stateDir?: string } = {},
  ): Promise<RunningProcess & { at: OperatorFile }> {
    const operator = startKplug([
      ...['operator', '--manifests', this.manifests, '--config', this.delegation],
      ...(stateDir === undefined ? [] : ['--state-dir', stateDir]),
      ...freePorts,
      ...args,
    ]);
    this.#processes.push(operator);
    const at = await vi.waitFor(
      async () => {
        const text = await readFile(operatorFileOf(this.manifests, stateDir), 'utf8').catch((cause: unknown) => {
          throw new Error(`the operator has not started: ${operator.stderr}`, { cause });
        });
        return JSON.parse(text) as OperatorFile;
      },
      { timeout: 20_000, interval: 20 },
    );
    return Object.assign(operator, { at });
  }

  /** Starts a plugin that writes greetings to the directory `out`. @param controller address for heartbeats. */
  startPlugin(controller: string, env: Record<string, string> = {}): RunningProcess {
    const plugin = startGreetingPlugin({ KPLUG_CONTROLLER: controller, GREETING_FOLDER: this.path('out'), ...env });
    this.#processes.push(plugin);
    return plugin;
  }

  /** Starts an operator and a plugin, and waits until the greeting of `world.yaml` has been written. @param env variables of the plugin. */
  async startGreeting(env: Record<string, string> = {}): Promise<RunningProcess & { at: OperatorFile }> {
    const operator = await this.startOperator();
    this.startPlugin(operator.at.heartbeatAddress, env);
    await this.greeting('world', 'HELLO, WORLD!');
    return operator;
  }

  /** Waits until a greeting has been written. */
  async greeting(name: string, text: string): Promise<void> {
    const read = () => readFile(this.path(`out/${name}.txt`), 'utf8');
    await vi.waitFor(async () => expect(await read()).toBe(text), { timeout: 20_000, interval: 20 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#processes.reverse()) await running[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
