import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOtherProgram, ownIdentity, stateOfProcess } from './process-identity.ts';

describe.runIf(process.platform === 'linux')('the identity of a process', () => {
  it('tells a process from an earlier one with the same process ID', async () => {
    const own = await ownIdentity();
    expect(own).toMatchObject({ pid: process.pid, startTime: expect.stringMatching(/^\d+$/) });
    expect(await stateOfProcess(own)).toBe('running');
    expect(await stateOfProcess({ ...own, startTime: '1' })).toBe('gone');
    expect(await stateOfProcess({ ...own, pid: 2 ** 30 })).toBe('gone');
  });

  it('says nothing about processes of another boot or another PID namespace', async () => {
    const own = await ownIdentity();
    for (const other of [{ bootId: 'other' }, { pidNamespace: 'pid:[1]' }, { bootId: undefined }]) {
      expect(await stateOfProcess({ ...own, ...other })).toBe('unknown');
    }
    expect(await stateOfProcess({ ...own, startTime: undefined })).toBe('unknown');
  });

  it('is read of a program with any name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-identity-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const program = join(folder, 'a) S 1 (b');
    await copyFile('/bin/sleep', program);
    const child = spawn(program, ['600'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const other = { ...(await ownIdentity()), pid: child.pid ?? 0 };
    expect(await stateOfProcess(other)).toBe('gone');
    expect(await stateOfProcess({ ...other, startTime: undefined })).toBe('unknown');
    expect([await isOtherProgram(other.pid), await isOtherProgram(process.pid)]).toEqual([true, false]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await stateOfProcess({ ...other, startTime: undefined })).toBe('gone');
  });
});
