import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, vi } from 'vitest';

/** A plugin in a process of its own, which ends with the test. */
export interface PluginProgram {
  readonly process: ChildProcess;
  readonly instanceId: string;
  /** What it printed. */
  readonly lines: readonly string[];
  /** Fulfilled with the exit code, or the signal that killed it. */
  exited(): Promise<number | NodeJS.Signals>;
}

/** What an operator gives to a test that starts plugins for it. */
export interface OperatorOfPlugins {
  readonly heartbeatAddress: string;
  readonly registry: { get(instanceId: string): { state: string } | undefined };
}

let programs = 0;

/** Starts a plugin by a command, in any language, and waits until the operator knows it. */
export async function startPluginProgram(
  operator: OperatorOfPlugins,
  [program = '', ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<PluginProgram> {
  const instanceId = `program-${++programs}`;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      KPLUG_CONTROLLER: operator.heartbeatAddress,
      KPLUG_INSTANCE_ID: instanceId,
      KPLUG_LOG_LEVEL: process.env.KPLUG_TEST_LOG ?? 'silent',
      ...env,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const log: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  createInterface(child.stderr).on('line', (line) => log.push(line));
  // Some tell what they do whatever the level is, which matters only when it goes wrong.
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail' && log.length > 0) console.error(`${program}:\n${log.join('\n')}`);
  });
  const exit = once(child, 'exit');
  await vi.waitFor(() => expect(operator.registry.get(instanceId)?.state).toBe('live'), {
    timeout: 20_000,
    interval: 10,
  });
  return {
    process: child,
    instanceId,
    lines,
    exited: async () => {
      const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
      return code ?? signal ?? -1;
    },
  };
}
