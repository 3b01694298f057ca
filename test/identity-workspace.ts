import { existsSync } from 'node:fs';
import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, type RunningProcess } from '@kplug/testing/kplug';
import { expect, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 60_000, interval: 20 };

/** Operator process on a directory whose heartbeat port is open to other machines, and plugin processes with identities. */
export class IdentityWorkspace {
  readonly workspace: GreetingWorkspace;
  readonly operator: RunningProcess & { at: OperatorFile };

  private constructor(workspace: GreetingWorkspace, operator: RunningProcess & { at: OperatorFile }) {
    this.workspace = workspace;
    this.operator = operator;
  }

  /** Starts an operator. @param identities identities that its delegation admits. Default: those that an operator admits by default. */
  static async start(flags: readonly string[], identities?: readonly string[]): Promise<IdentityWorkspace> {
    const workspace = await GreetingWorkspace.make({});
    onTestFinished(() => workspace[Symbol.asyncDispose]());
    const from = identities && `    plugins: { from: [{ identities: ${JSON.stringify(identities)} }] }\n`;
    await workspace.write(
      'kplug.yaml',
      `delegations:
  - name: greetings
    base: { apiVersion: example.org/v1, kind: Greeting }
    api: Greeting@^1.0.0
${from ?? ''}`,
    );
    const open = ['--grpc-bind-address', '0.0.0.0:0', '--log-format', 'json', '--log-level', 'info'];
    const operator = await workspace.startOperator([...open, ...flags]);
    const started = new IdentityWorkspace(workspace, operator);
    await vi.waitFor(() => expect(existsSync(started.caFile)).toBe(true), waiting);
    return started;
  }

  /** File with the CA of the operator. */
  get caFile(): string {
    return this.workspace.path('manifests/.kplug/tls/ca.crt');
  }

  /** Starts a plugin. @param credentials variables that name its credentials. */
  startPlugin(credentials: Record<string, string>): RunningProcess {
    const controller = `localhost:${this.operator.at.heartbeatAddress.split(':').at(-1)}`;
    return this.workspace.startPlugin(controller, {
      KPLUG_TLS_CA: this.caFile,
      // Calls are nearly always in flight.
      GREETING_DELAY: '100',
      ...credentials,
    });
  }

  /** Waits until a plugin has reconciled another resource, and checks its status. */
  async expectReconciled(plugin: RunningProcess, name: string): Promise<void> {
    await vi.waitFor(() => expect(plugin.stdout).toContain('registered Plain 1.0.0'), waiting);
    await this.#greet(name, 'World');
    await vi.waitFor(async () => {
      const { stdout } = await kplug(['get', 'greeting', name, '-o', 'json', '--manifests', this.workspace.manifests]);
      expect(JSON.parse(stdout)).toMatchObject({
        status: {
          implementation: 'Plain',
          letters: 'Hello, World!'.length,
          conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
        },
      });
    }, waiting);
  }

  /** Starts a plugin with credentials that are refused, one after the other, until it gets valid ones. Returns the plugin. */
  async startRefused(
    credentials: Record<string, string>,
    refused: readonly (readonly [write: () => Promise<void>, message: RegExp])[],
    mend: () => Promise<void>,
  ): Promise<RunningProcess> {
    let plugin: RunningProcess | undefined;
    for (const [write, message] of refused) {
      await write();
      plugin ??= this.startPlugin(credentials);
      await vi.waitFor(() => expect(refusalsIn(plugin?.stdout ?? '').at(-1)).toMatch(message), waiting);
      expect(plugin.stdout).not.toContain('registered Plain');
    }
    await mend();
    return plugin ?? this.startPlugin(credentials);
  }

  /** Has resources reconciled until `during` is done. Returns the number of calls. No call fails. */
  async callDuring(during: () => Promise<void>): Promise<number> {
    let isDone = false;
    let calls = 0;
    const lanes = ['a', 'b', 'c', 'd'].map(async (name) => {
      for (let round = 0; !isDone || round < 3; round++) {
        await this.#greet(name, `World ${round}`);
        calls++;
      }
    });
    const all = Promise.all(lanes);
    await Promise.race([all, vi.waitFor(() => expect(calls).toBeGreaterThan(4), waiting)]);
    await Promise.race([all, during()]);
    isDone = true;
    await all;
    await this.expectNoFailedCall();
    return calls;
  }

  /** Checks that each call of a plugin so far succeeded. */
  async expectNoFailedCall(): Promise<void> {
    const calls = (await this.metrics()).filter((line) => line.startsWith('kplug_plugin_call_duration_seconds_count'));
    expect(calls.some((line) => line.includes('Reconcile'))).toBe(true);
    expect(calls.filter((line) => !line.includes('code="OK"'))).toEqual([]);
  }

  /** Waits until the operator has logged a text. */
  async expectLog(text: string): Promise<void> {
    await vi.waitFor(() => expect(this.operator.stderr).toContain(text), waiting);
  }

  /** Lines of the metrics of the operator. */
  async metrics(): Promise<string[]> {
    const response = await fetch(`http://${this.operator.at.adminAddress}/metrics`);
    return (await response.text()).split('\n');
  }

  /** Changes a resource, and waits until the plugin has reconciled it. */
  async #greet(name: string, to: string): Promise<void> {
    const manifest = `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: ${name} }\nspec: { to: "${to}" }\n`;
    await this.workspace.write(`manifests/${name}.yaml`, manifest);
    await this.workspace.greeting(name, `Hello, ${to}!`);
  }
}

/** Returns the messages of the refusals that a plugin logged. */
function refusalsIn(log: string): string[] {
  const lines = log.split('\n').filter((line) => line.endsWith('}'));
  return lines.map((line) => String(JSON.parse(line).msg)).filter((msg) => msg.includes('refused the registration'));
}
