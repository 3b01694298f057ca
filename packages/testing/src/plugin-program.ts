import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, vi } from 'vitest';

/** A plugin process. It is killed when the test ends. */
export interface PluginProgram {
  readonly process: ChildProcess;
  readonly instanceId: string;
  /** Lines of its standard output. */
  readonly lines: readonly string[];
  /** Waits for the exit code, or the signal that killed the process. */
  exited(): Promise<number | NodeJS.Signals>;
}

/** Operator that plugins are started for. */
export interface OperatorOfPlugins {
  readonly heartbeatAddress: string;
  readonly registry: { get(instanceId: string): { state: string } | undefined };
}

let programs = 0;

/** Starts a command as a plugin and waits until the operator has registered it. */
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
  // Some plugins ignore the log level. Their log matters only if the test fails.
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
