import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kplug, RunningProcess } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from './exit-codes.ts';

describe('kplug', () => {
  it('prints help with its commands and exit codes', async () => {
    const { code, stdout, stderr } = await kplug(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of [
      'operator',
      'dev',
      'get',
      'manifests',
      'plugins',
      'explain',
      'trace',
      'events',
      'ui',
      'ui',
      'top',
      'logs',
      'reconcile',
      'pause',
      'resume',
      'attach',
      'doctor',
      'validate',
      'crd',
      'render',
      'conformance',
      'record',
      'replay',
      'init',
      'token',
      'completion',
      'version',
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    }
    for (const { code: one, meaning } of exitCodes) expect(stdout).toContain(`  ${one}  ${meaning}`);
    expect(stdout).not.toMatch(/^ {2}complete\b/m);
  });

  it.each([
    'operator',
    'dev',
    'get',
    'manifests',
    'manifests show',
    'manifests confirm',
    'plugins',
    'plugins list',
    'plugins describe',
    'plugins watch',
    'plugins fetch',
    'capabilities',
    'explain',
    'trace',
    'events',
    'top',
    'logs',
    'reconcile',
    'pause',
    'resume',
    'attach',
    'doctor',
    'validate',
    'render',
    'conformance',
    'conformance plugin',
    'conformance controller',
    'record',
    'replay',
    'init',
    'init plugin',
    'init operator',
    'token',
    'token create',
    'token rotate',
    'token list',
    'token revoke',
    'completion',
  ])('prints help with examples for %s', async (command) => {
    const { code, stdout } = await kplug([...command.split(' '), '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: kplug ${command}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\S/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('prints its version', async () => {
    expect((await kplug(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await kplug(['version'])).stdout).toMatch(/^kplug \d+\.\d+\.\d+ \(protocol kplug\.v1, node 24\./);
  });

  it.each([
    [['nonsense'], "kplug: unknown command 'nonsense'"],
    [['get', '--nonsense'], "kplug: unknown option '--nonsense'"],
    [['get', 'a', 'b', 'c'], "kplug: too many arguments for 'get'"],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await kplug(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('Run with --help for usage.');
  });

  it('prints the stack of an error only with --verbose', async () => {
    const args = ['plugins', '--admin', '127.0.0.1:1'];
    expect((await kplug(args)).stderr.trim().split('\n')).toHaveLength(1);
    for (const { stderr } of [await kplug([...args, '--verbose']), await kplug(args, { env: { KPLUG_DEBUG: '1' } })]) {
      expect(stderr).toMatch(/^kplug: no operator answers at .*\nCommandError: .*\n {4}at /);
      expect(stderr).toContain('ECONNREFUSED');
    }
  });

  it('uses colours only where they are enabled', async () => {
    const args = ['plugins', '--admin', '127.0.0.1:1'];
    const { stderr } = await kplug(args, { env: { FORCE_COLOR: '1' } });
    expect(stderr.startsWith('\u001b[31mkplug:\u001b[39m no operator')).toBe(true);
    expect((await kplug(args)).stderr).toMatch(/^kplug: no operator/);
  });

  it('uses a cluster by default when a link makes it a plugin of kubectl', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-link-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const link = join(folder, 'kubectl-kplug');
    await symlink(fileURLToPath(new URL('./main.ts', import.meta.url)), link);
    const kubeconfig = join(folder, 'kubeconfig');
    await using command = new RunningProcess(link, ['get', 'greetings'], { env: { KUBECONFIG: kubeconfig } });
    const { code, stderr } = await command.ended();
    expect(stderr).toContain(`The kubeconfig can't be read: ENOENT: no such file or directory, open '${kubeconfig}'`);
    expect(code).not.toBe(0);
  });
});
