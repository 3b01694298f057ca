import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostingOperator, isRunning, makeFolder, put, waitOptions } from '@kplug/testing/supervisor';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HostedPlugin } from '../registry/hosted.ts';

/** Starts an operator whose plugin is a family: a process, a child, and a child that ignores signals. */
async function startFamily() {
  const directory = await makeFolder();
  const pids = join(directory, '_pids');
  const family = `#!/bin/sh
sleep 600 &
echo $! > ${pids}
sh -c 'trap "" TERM INT HUP; sleep 600 & wait; wait' &
echo $! >> ${pids}
echo $$ >> ${pids}
echo whole >> ${pids}
wait
`;
  await put(join(directory, 'family.sh'), family, 0o755);
  const operator = fork(hostingOperator, [directory], { execArgv: [] });
  onTestFinished(() => void operator.kill('SIGKILL'));
  let told: { guard?: number; plugins: HostedPlugin[] } = { plugins: [] };
  operator.on('message', (message: typeof told) => {
    told = message;
  });
  const processes = await vi.waitFor(async () => {
    const lines = (await readFile(pids, 'utf8')).trim().split('\n');
    expect(lines.pop()).toBe('whole');
    return lines.map(Number);
  }, waitOptions);
  onTestFinished(() => {
    for (const pid of processes) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const guard = () => told.guard ?? expect.fail('there is no guard yet');
  await vi.waitFor(guard, waitOptions);
  expect(processes.map(isRunning)).toEqual([true, true, true]);
  return { operator, processes, guard };
}

async function kill(operator: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(operator, 'exit');
  operator.kill(signal);
  await exit;
}

describe('when the operator is killed', () => {
  it('its processes and the guard are gone', async () => {
    const { operator, processes, guard } = await startFamily();
    await kill(operator, 'SIGKILL');
    await vi.waitFor(() => expect([...processes, guard()].some(isRunning)).toBe(false), waitOptions);
  });

  it('its processes are gone even if the guard was killed before', async () => {
    const { operator, processes, guard } = await startFamily();
    const first = guard();
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => expect(guard()).not.toBe(first), waitOptions);
    expect(processes.map(isRunning)).toEqual([true, true, true]);
    await kill(operator, 'SIGKILL');
    await vi.waitFor(() => expect([...processes, guard()].some(isRunning)).toBe(false), waitOptions);
  });

  it('the guard survives the signals of a terminal', async () => {
    const { operator, processes, guard } = await startFamily();
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.kill(guard(), signal);
    await kill(operator, 'SIGKILL');
    await vi.waitFor(() => expect([...processes, guard()].some(isRunning)).toBe(false), waitOptions);
  });
});
