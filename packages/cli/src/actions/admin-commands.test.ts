import { createServer } from 'node:http';
import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, type ProcessOptions, startKplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';

const waiting = { timeout: 20_000, interval: 20 };

let workspace: GreetingWorkspace;
let operator: { at: OperatorFile };

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
  operator = await workspace.startGreeting({ KPLUG_INSTANCE_ID: 'plain-1', KPLUG_LABELS: 'zone=a' });
});

afterAll(() => workspace[Symbol.asyncDispose]());

/** Runs a command beside the manifests, where the operator is found by its directory. */
const ask = (args: readonly string[], options?: ProcessOptions) =>
  kplug(args, { cwd: workspace.manifests, ...options });

describe('kplug plugins', () => {
  it('lists instances, also without "list"', async () => {
    const { code, stdout, stderr } = await ask(['plugins']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [header, row] = stdout.split('\n').map((line) => line.split(/ {3,}/));
    expect(header).toEqual(['NAME', 'VERSION', 'API', 'STATE', 'ADDRESS', 'LAST-SEEN', 'AGE']);
    expect(row?.slice(0, 4)).toEqual(['Plain', '1.0.0', 'Greeting@1.0.0', 'live']);
    expect((await ask(['plugins', 'list'])).stdout.split('\n')[0]).toBe(stdout.split('\n')[0]);
  });

  it('lists more columns in a wide table', async () => {
    const [header, row] = (await ask(['plugins', '-o', 'wide'])).stdout.split('\n').map((line) => line.split(/ {3,}/));
    expect(header?.slice(-7)).toEqual(['PROTOCOL', 'TLS', 'IDENTITY', 'WEIGHT', 'INSTANCE', 'LABELS', 'REASON']);
    expect(row?.slice(-7)).toEqual(['kplug.v1', 'no', 'local', '100', 'plain-1', 'zone=a', '-']);
  });

  it('filters by API, and reports when there are none', async () => {
    expect((await ask(['plugins', '--api', 'Greeting'])).stdout).toContain('Plain');
    const { code, stdout, stderr } = await ask(['plugins', 'list', '--api', 'Farewell']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe(
      `No plugin of the API Farewell is registered with the operator at http://${operator.at.adminAddress}.\n`,
    );
  });

  it('prints JSON and YAML', async () => {
    const registration = { plugin: 'Plain', instanceId: 'plain-1', labels: { zone: 'a' } };
    const live = { instances: [{ registration, state: 'INSTANCE_STATE_LIVE' }] };
    expect(JSON.parse((await ask(['plugins', '-o', 'json'])).stdout)).toMatchObject(live);
    const [document] = parseAllDocuments((await ask(['plugins', '-o', 'yaml'])).stdout);
    expect(document?.toJS()).toMatchObject(live);
  });

  it('describes a plugin with its APIs, instances and resources', async () => {
    const { stdout } = await ask(['plugins', 'describe', 'plain']);
    expect(stdout).toMatch(/^Plain 1\.0\.0\n {2}API {11}Greeting@1\.0\.0\n {2}Extensions {4}GreetingStyle\n/);
    expect(stdout).toContain('Capabilities  medium=file');
    expect(stdout).toMatch(
      /plain-1 +live +127\.0\.0\.1:\d+ +kplug\.v1 +no +local +100 .*interval 5 s, TTL 15 s +zone=a/,
    );
    expect(stdout).toMatch(/example\.org\/v1\/Greeting\/default\/world {3}greetings {3,}Fallback {3}Ready/);
    expect(JSON.parse((await ask(['plugins', 'describe', 'Plain', '-o', 'json'])).stdout).instances).toHaveLength(1);
  });

  it('fails for an unknown plugin', async () => {
    const { code, stderr } = await ask(['plugins', 'describe', 'Nobody']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^kplug: no plugin Nobody is registered with the operator at http:.*; registered: Plain\n$/);
  });

  it('watches instances until it is interrupted', async () => {
    await using watch = startKplug(['plugins', 'watch'], { cwd: workspace.manifests });
    await using json = startKplug(['plugins', 'watch', '-o', 'json'], { cwd: workspace.manifests });
    await vi.waitFor(() => expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d {3}live {3}Plain 1\.0\.0 {3}/), waiting);
    const second = workspace.startPlugin(operator.at.heartbeatAddress, { GREETING_PLUGIN: 'Second' });
    await vi.waitFor(() => expect(watch.stdout).toMatch(/live {3}Second 1\.0\.0/), waiting);
    await vi.waitFor(() => expect(json.stdout).toContain('"Second"'), waiting);
    second.kill('SIGTERM');
    await vi.waitFor(() => expect(watch.stdout).toMatch(/gone {3}Second 1\.0\.0 .* it has stopped/), waiting);
    watch.kill('SIGINT');
    expect(await watch.ended()).toMatchObject({ code: 0, stderr: '' });
    await vi.waitFor(() => expect(json.stdout).toContain('INSTANCE_STATE_GONE'), waiting);
    json.kill('SIGTERM');
    expect((await json.ended()).code).toBe(0);
    const changes = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(changes[0]).toMatchObject({ registration: { plugin: 'Plain' }, state: 'INSTANCE_STATE_LIVE' });
  });

  it('ends the watch when the operator stops', async () => {
    await using other = await GreetingWorkspace.make();
    const short = await other.startOperator();
    other.startPlugin(short.at.heartbeatAddress);
    await using watch = startKplug(['plugins', 'watch', '--manifests', other.manifests]);
    await vi.waitFor(() => expect(watch.stdout).toContain('live'), waiting);
    short.kill('SIGTERM');
    const { code, stderr } = await watch.ended();
    expect(code).toBe(4);
    expect(stderr).toMatch(/^kplug: .*operator/);
  });
});

describe('kplug explain', () => {
  it('prints the selection, each candidate, Events and the next pass', async () => {
    const { code, stdout } = await ask(['explain', 'greetings/world']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^example\.org\/v1\/Greeting\/default\/world\n {2}Ready +True Ready\n/);
    expect(stdout).toMatch(/Preference +Fancy\n {2}Plugin +Plain 1\.0\.0\n/);
    expect(stdout).toMatch(
      /Now chosen +Fallback: Plain 1\.0\.0 is the fallback for Fancy: no such plugin is registered\n/,
    );
    expect(stdout).toMatch(/Next pass +in \d+m, or after a change\n/);
    expect(stdout).toMatch(/\* Plain +1\.0\.0 +1\/1 +Chosen +chosen\n/);
    expect(stdout).toMatch(/Normal +Greeted +1 +wrote a greeting to World\n/);
  });

  it('names references to extensions that are ignored', async () => {
    const elsewhere = '{ apiVersion: example.org/v1, kind: GreetingStyle, name: loud, namespace: elsewhere }';
    const spec = `{ to: Sun, extensions: [${elsewhere}] }`;
    await workspace.write(
      'manifests/sun.yaml',
      `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: sun }\nspec: ${spec}\n`,
    );
    await workspace.greeting('sun', 'Hello, Sun!');
    const { code, stdout } = await ask(['explain', 'greetings/sun']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Extensions\n +REASON +MESSAGE\n +ExtensionForbidden +GreetingStyle elsewhere\/loud is in another namespace; an/,
    );
  });

  it('prints JSON', async () => {
    const explained = JSON.parse((await ask(['explain', 'Greeting/world', '-o', 'json'])).stdout);
    expect(explained).toMatchObject({
      preference: 'Fancy',
      reason: 'Fallback',
      resource: { plugin: 'Plain', ready: 'CONDITION_STATUS_TRUE' },
      candidates: [{ plugin: 'Plain', chosen: true, reason: 'Chosen' }],
    });
  });

  it.each([
    [['explain', 'greeting/mars'], 3, 'kplug: no delegated greeting is named mars in the namespace default\n'],
    [
      ['explain', 'greeting/world', '-n', 'sky'],
      3,
      'kplug: no delegated greeting is named world in the namespace sky\n',
    ],
    [['explain', 'world'], 2, 'kplug: "world" has no name; write KIND/NAME, such as DatabaseTable/users\n'],
  ])('fails for %j', async (args, code, stderr) => {
    expect(await ask(args)).toEqual({ code, stdout: '', stderr });
  });
});

describe('the operator', () => {
  it.each<[string, () => [string[], ProcessOptions]]>([
    ['by --admin as a URL', () => [['--admin', `http://${operator.at.adminAddress}/`], {}]],
    ['by --admin as an address', () => [['--admin', operator.at.adminAddress], {}]],
    ['by KPLUG_ADMIN', () => [[], { env: { KPLUG_ADMIN: operator.at.adminAddress } }]],
    ['by --manifests', () => [['--manifests', workspace.manifests], {}]],
    ['by KPLUG_MANIFESTS', () => [[], { env: { KPLUG_MANIFESTS: workspace.manifests } }]],
  ])('%s', async (_, how) => {
    const [args, options] = how();
    const { code, stdout } = await kplug(['plugins', ...args], options);
    expect(code).toBe(0);
    expect(stdout).toContain('Plain');
  });

  it('that is unreachable is reported with its address and advice', async () => {
    const { code, stderr } = await kplug(['plugins', '--admin', '127.0.0.1:1']);
    expect(code).toBe(4);
    expect(stderr).toBe(
      'kplug: no operator answers at http://127.0.0.1:1 (as given); start one with "kplug operator", or give its admin port with --admin or KPLUG_ADMIN\n',
    );
  });

  it('that was killed is reported with its process', async () => {
    await using other = await GreetingWorkspace.make();
    const dead = await other.startOperator();
    dead.kill('SIGKILL');
    await dead.ended();
    const { code, stderr } = await kplug(['explain', 'greeting/world', '--manifests', other.manifests]);
    expect(code).toBe(4);
    expect(stderr).toContain(`(from ${other.manifests}/.kplug/operator.json, whose process ${dead.pid} has exited)`);
    await other.write('manifests/.kplug/operator.json', '{');
    expect(await kplug(['plugins', '--manifests', other.manifests])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('operator.json is malformed; delete it'),
    });
  });

  it('is distinguished from other servers', async () => {
    const server = createServer((_, response) => response.writeHead(404).end('nothing'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, stderr } = await kplug(['plugins', '--admin', `127.0.0.1:${port}`]);
    server.close();
    expect(code).toBe(4);
    expect(stderr).toContain(`http://127.0.0.1:${port} (as given) is not the admin port of an operator`);
  });
});
