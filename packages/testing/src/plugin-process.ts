import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, vi } from 'vitest';
import type { TestOperator } from './operator.ts';

/** Program of a plugin that reports the number of its calls to the parent process. */
export const countingPlugin = fileURLToPath(new URL('./plugins/counting.ts', import.meta.url));

/** A plugin process. It is killed when the test ends. */
export interface PluginProcess {
  readonly process: ChildProcess;
  readonly instanceId: string;
  /** Returns the number of its calls. */
  calls(): number;
  /** Waits for the exit code, or the signal that killed the process. */
  exited(): Promise<number | NodeJS.Signals>;
}

let processes = 0;

/** Starts the counting plugin and waits until the operator has registered it. */
export async function startPluginProcess(
  operator: TestOperator,
  { name, version = '1.0.0', delay = 0 }: { name: string; version?: string; delay?: number },
): Promise<PluginProcess> {
  const instanceId = `process-${++processes}`;
  const child = fork(countingPlugin, {
    env: {
      ...process.env,
      TEST_PLUGIN_NAME: name,
      TEST_PLUGIN_VERSION: version,
      TEST_PLUGIN_DELAY: String(delay),
      KPLUG_CONTROLLER: operator.controller.heartbeatAddress,
      KPLUG_INSTANCE_ID: instanceId,
      KPLUG_LOG_LEVEL: 'silent',
    },
    execArgv: [],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let calls = 0;
  child.on('message', (message: { called: number }) => {
    calls = message.called;
  });
  const exit = once(child, 'exit');
  const { registry } = operator.controller;
  await vi.waitFor(() => expect(registry.get(instanceId)?.state).toBe('live'), { timeout: 20_000, interval: 10 });
  return {
    process: child,
    instanceId,
    calls: () => calls,
    exited: async () => {
      const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
      return code ?? signal ?? -1;
    },
  };
}
