import { access, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { GreetingWorkspace, kplug, startKplug, world } from '@kplug/testing/kplug';
import { afterEach, describe, expect, it, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

let disposables: AsyncDisposable[] = [];

async function workspaceWith(files?: Record<string, string>): Promise<GreetingWorkspace> {
  const workspace = await GreetingWorkspace.make(files);
  disposables.push(workspace);
  return workspace;
}

afterEach(async () => {
  for (const one of disposables) await one[Symbol.asyncDispose]();
  disposables = [];
});

describe('kplug operator', () => {
  it('delegates the resources of a directory to a plugin, follows edits, and stops on SIGTERM', async () => {
    const workspace = await workspaceWith();
    const operator = await workspace.startOperator();
    expect(operator.at).toEqual({
      pid: operator.pid,
      heartbeatAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      adminAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    await vi.waitFor(() => expect(operator.stdout).toContain(`http://${operator.at.adminAddress}`), waiting);
    expect(operator.stdout).toContain('Greeting (example.org/v1) to plugins of the API Greeting@^1.0.0');
    expect(operator.stdout).toContain(`KPLUG_CONTROLLER=${operator.at.heartbeatAddress}`);
    expect(operator.stdout).toContain(`kplug plugins --manifests ${workspace.manifests}`);
    expect((await fetch(`http://${operator.at.adminAddress}/readyz`)).status).toBe(200);

    workspace.startPlugin(operator.at.heartbeatAddress);
    await workspace.greeting('world', 'HELLO, WORLD!');
    await workspace.write('manifests/world.yaml', world.replace('to: World', 'to: Moon').replace('shout: true', ''));
    await workspace.greeting('world', 'Hello, Moon!');

    operator.kill('SIGTERM');
    expect((await operator.ended()).code).toBe(0);
    expect(operator.stderr).toContain('SIGTERM received');
    await expect(access(workspace.path('manifests/.kplug/operator.json'))).rejects.toThrow('ENOENT');
  });

  it('stops on SIGINT, and logs JSON if configured', async () => {
    const workspace = await workspaceWith();
    const operator = await workspace.startOperator(['--log-format', 'json', '--log-level', 'info']);
    await vi.waitFor(() => expect(operator.stderr).toContain('plugins send heartbeats to'), waiting);
    operator.kill('SIGINT');
    expect((await operator.ended()).code).toBe(0);
    const lines = operator.stderr.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ heartbeats: operator.at.heartbeatAddress, admin: operator.at.adminAddress }),
    );
    expect(operator.stdout).toBe('');
  });

  it('finishes a pass in progress on the first signal, and exits on the second', async () => {
    const workspace = await workspaceWith();
    const operator = await workspace.startOperator();
    workspace.startPlugin(operator.at.heartbeatAddress, { GREETING_DELAY: '60000' });
    await vi.waitFor(() => access(workspace.path('out/begun')), waiting);
    operator.kill('SIGTERM');
    await vi.waitFor(() => expect(operator.stderr).toContain('SIGTERM received'), waiting);
    operator.kill('SIGTERM');
    expect((await operator.ended()).code).toBe(130);
  });

  it("accepts plugins of the first Kplug's protocol only if configured, and reports how", async () => {
    const workspace = await workspaceWith();
    const strict = await workspace.startOperator();
    const env = { KPLUG_PROTOCOL: 'kplug' };
    const refused = workspace.startPlugin(strict.at.heartbeatAddress, env);
    await vi.waitFor(() => expect(refused.stdout).toMatch(/accepts no plugins.*--allow-insecure-plugins/), waiting);
    strict.kill('SIGTERM');
    await strict.ended();

    const operator = await workspace.startOperator(['--allow-insecure-plugins']);
    workspace.startPlugin(operator.at.heartbeatAddress, env);
    await workspace.greeting('world', 'HELLO, WORLD!');
    const { stdout } = await kplug(['plugins', '-o', 'wide', '--manifests', workspace.manifests]);
    expect(stdout).toMatch(
      /^Plain +1\.0\.0 +Greeting@1\.0\.0 +live .* kplug +no +anonymous +100 +Plain\/Greeting@127/m,
    );
  });

  it('grants the configured lease', async () => {
    const workspace = await workspaceWith();
    const operator = await workspace.startOperator(['--heartbeat-interval', '300ms', '--ttl', '1s']);
    workspace.startPlugin(operator.at.heartbeatAddress);
    await workspace.greeting('world', 'HELLO, WORLD!');
    const { stdout } = await kplug(['plugins', '-o', 'json', '--manifests', workspace.manifests]);
    expect(JSON.parse(stdout)).toMatchObject({ instances: [{ lease: { interval: '0.300s', ttl: '1s' } }] });
  });
});

describe('kplug operator does not start', () => {
  async function failToStart(workspace: GreetingWorkspace, args: readonly string[]) {
    const command = startKplug(['operator', '--log-level', 'silent', ...args]);
    disposables.unshift(command);
    const { code, stdout, stderr } = await command.ended();
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    await expect(access(workspace.path('manifests/.kplug/operator.json'))).rejects.toThrow('ENOENT');
    return { code, stderr };
  }

  it.each(['--grpc-bind-address', '--admin-bind-address'])('when the port of %s is in use', async (option) => {
    const workspace = await workspaceWith();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const files = ['--manifests', workspace.manifests, '--config', workspace.delegation];
    const ports = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];
    const failure = await failToStart(workspace, [...files, ...ports, option, `127.0.0.1:${port}`]);
    await new Promise((resolve) => server.close(resolve));
    expect(failure.code).toBe(5);
    expect(failure.stderr).toMatch(
      new RegExp(
        `^kplug: can't listen on ${option} 127\\.0\\.0\\.1:${port}: .*; stop .* or choose another address with ${option}\n$`,
      ),
    );
    // The directory is free again.
    await workspace.startOperator();
  });

  it('when the directory is missing', async () => {
    const workspace = await workspaceWith();
    const args = ['--manifests', workspace.path('nowhere'), '--config', workspace.delegation];
    const { code, stderr } = await failToStart(workspace, args);
    expect(code).toBe(2);
    expect(stderr).toContain(`${workspace.path('nowhere')} doesn't exist`);
  });

  it('when another operator follows the directory', async () => {
    const workspace = await workspaceWith();
    const first = await workspace.startOperator();
    const args = ['operator', '--manifests', workspace.manifests, '--config', workspace.delegation];
    const { code, stderr } = await kplug([...args, '--grpc-bind-address', ':0', '--admin-bind-address', ':0']);
    expect(code).toBe(2);
    expect(stderr).toContain(`in use by another operator, process ${first.pid}`);
    expect(JSON.parse(await readFile(workspace.path('manifests/.kplug/operator.json'), 'utf8'))).toEqual(first.at);
  });

  it.each([
    ['a delegation file that is missing', undefined, /nothing\.yaml doesn't exist; name another with --config/],
    ['a delegation file that is no YAML', 'delegations: [', /bad\.yaml:1:15: invalid YAML/],
    ['a malformed field', 'delegations:\n  - name: A\n', /bad\.yaml:2:5: delegations\[0\]\.name: must be lower case/],
  ])('with %s', async (_, text, message) => {
    const workspace = await workspaceWith();
    if (text) await workspace.write('bad.yaml', text);
    const file = workspace.path(text ? 'bad.yaml' : 'nothing.yaml');
    const { code, stderr } = await failToStart(workspace, ['--manifests', workspace.manifests, '--config', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.each([
    [['--heartbeat-interval', 'often'], /--heartbeat-interval "often" is not a duration/],
    [['--ttl', '6s'], /--ttl 6s is too short for heartbeats every 5s/],
    [['--grpc-bind-address', 'nowhere'], /--grpc-bind-address "nowhere" is malformed/],
  ])('with %j', async (option, message) => {
    const workspace = await workspaceWith();
    const files = ['--manifests', workspace.manifests, '--config', workspace.delegation];
    const { code, stderr } = await failToStart(workspace, [...files, ...option]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
