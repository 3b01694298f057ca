import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { addFlags, readFlags } from './flags.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-configuration-'));
  return () => rm(folder, { recursive: true });
});

/** Reads the configuration of a command line and an environment. */
async function read(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = addFlags(new Command('operator')).exitOverride();
  command.parse([...args], { from: 'user' });
  return readConfiguration(readFlags(command), env);
}

/** Writes a configuration file. Returns its flag. */
async function file(text: string, name = 'operator.yaml'): Promise<string> {
  await writeFile(join(folder, name), text);
  return `--config=${join(folder, name)}`;
}

describe('the configuration', () => {
  it('prefers a flag to a variable and a variable to the file, and leaves the rest to the defaults', async () => {
    const config = await file('logLevel: error\nttl: 30s\nconcurrency: 3\n');
    const env = { KPLUG_LOG_LEVEL: 'warn', KPLUG_CONCURRENCY: '2' };
    const { settings } = await read([config, '--log-level', 'debug'], env);
    expect(settings).toEqual({ logLevel: 'debug', concurrency: 2, ttl: 30_000 });
  });

  it('accepts aliases of flags', async () => {
    const args = ['--plugin-folder', 'p', '--metrics-bind-address', ':1', '--leader-elect'];
    const settings = { pluginsDir: 'p', metricsAddr: ':1', enableLeaderElection: true };
    await expect(read(args)).resolves.toMatchObject({ settings });
  });

  it('accepts lists as repeated flags and with commas', async () => {
    const namespaces = ['a', 'b', 'c'];
    await expect(read(['-n', 'a,b', '--namespace', 'c'])).resolves.toMatchObject({ settings: { namespaces } });
    await expect(read([], { KPLUG_NAMESPACE: 'a, b,c' })).resolves.toMatchObject({ settings: { namespaces } });
  });

  it.each([
    [['--follow-delegations'], true],
    [['--follow-delegations=false'], false],
    [['--no-follow-delegations'], false],
  ])('accepts switches as %j', async (args, followDelegations) => {
    const env = { KPLUG_FOLLOW_DELEGATIONS: String(!followDelegations) };
    await expect(read(args, env)).resolves.toMatchObject({ settings: { followDelegations } });
    await expect(read([], env)).resolves.toMatchObject({ settings: { followDelegations: !followDelegations } });
  });

  it('reads the file of the flag, or else of the variable', async () => {
    const first = await file('ttl: 1s\n', 'first.yaml');
    await file('ttl: 2s\n', 'second.yaml');
    const env = { KPLUG_CONFIG: join(folder, 'second.yaml') };
    await expect(read([first], env)).resolves.toMatchObject({ settings: { ttl: 1_000 } });
    await expect(read([], env)).resolves.toMatchObject({ settings: { ttl: 2_000 } });
  });

  it('needs no file, unless one is named', async () => {
    const former = process.cwd();
    onTestFinished(() => process.chdir(former));
    process.chdir(folder);
    await expect(read([])).resolves.toEqual({ settings: {}, delegations: [], remarks: [] });
    await file('ttl: 1s\n', 'kplug.yaml');
    await expect(read([])).resolves.toMatchObject({ settings: { ttl: 1_000 } });
    await expect(read(['--config', 'other.yaml'])).rejects.toThrow(
      "the configuration file other.yaml doesn't exist; name another with --config",
    );
  });

  it('reports every invalid flag and variable', async () => {
    const args = ['--concurrency', 'many', '--ttl', 'soon'];
    await expect(read(args, { KPLUG_LOG_FORMAT: 'xml', KPLUG_LEADER_ELECT: 'x' })).rejects.toThrow(
      '--concurrency "many" must be a whole number from 1 to 10,000; ' +
        '--ttl "soon" is not a duration; use one such as 500ms, 5s or 1m30s; ' +
        'KPLUG_LOG_FORMAT "xml" must be one of text, json',
    );
  });

  it('warns of variables that look like its own, but not of those of Services and plugins', async () => {
    const env = {
      KPLUG_LOGLEVEL: 'debug',
      KPLUG_SERVICE_HOST: '10.0.0.1',
      KPLUG_PORT_50050_TCP_ADDR: '10.0.0.1',
      KPLUG_CONTROLLER: 'localhost:50050',
    };
    const { remarks } = await read([], env);
    expect(remarks).toEqual(['KPLUG_LOGLEVEL is set, but is not a variable of the operator; see --help']);
  });
});
