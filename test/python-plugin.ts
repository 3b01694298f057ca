import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, vi } from 'vitest';

/** A plugin in Python, in a process of its own, which ends with the test. */
export interface PythonPlugin {
  readonly process: ChildProcess;
  readonly instanceId: string;
  /** What it printed. */
  readonly lines: readonly string[];
  /** Fulfilled with the exit code, or the signal that killed it. */
  exited(): Promise<number | NodeJS.Signals>;
}

/** What an operator gives to a test that starts plugins for it. */
interface Operator {
  readonly heartbeatAddress: string;
  readonly registry: { get(instanceId: string): { state: string } | undefined };
}

let processes = 0;

/** Starts a plugin's file with a Python and waits until the operator knows it. */
export async function startPythonPlugin(
  operator: Operator,
  python: string,
  file: string,
  env: Record<string, string> = {},
): Promise<PythonPlugin> {
  const instanceId = `python-${++processes}`;
  const child = spawn(python, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
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
  createInterface(child.stdout).on('line', (line) => lines.push(line));
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
