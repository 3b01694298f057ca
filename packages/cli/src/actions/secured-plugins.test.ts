import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { freePort } from '@kplug/testing/free-port';
import { GreetingWorkspace, greetingPlugin, kplug, startKplug, world } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RecordedCall } from '../record/recorded-call.ts';

const waiting = { timeout: 30_000, interval: 50 };
const address = () => `localhost:${port}`;
const admin = () => ['--admin', adminAddress, '-o', 'json'];

let workspace: GreetingWorkspace;
let port: number;
let adminAddress: string;
let ca: string;

/** Starts an operator that is open to other machines, and gives the plugin Plain a token. */
beforeAll(async () => {
  workspace = await GreetingWorkspace.make({ 'manifests/world.yaml': world, 'one.yaml': world });
  const tokens = workspace.path('tokens.yaml');
  const { stdout } = await kplug(['token', 'create', 'plain', '--plugin', 'Plain', '--file', tokens]);
  await workspace.write('token', stdout);
  port = await freePort();
  const flags = ['--grpc-bind-address', `0.0.0.0:${port}`, '--heartbeat-tokens', tokens];
  ({ adminAddress } = (await workspace.startOperator(flags)).at);
  ca = workspace.path('manifests/.kplug/tls/ca.crt');
  await vi.waitFor(() => expect(existsSync(ca)).toBe(true), waiting);
}, 60_000);

afterAll(() => workspace[Symbol.asyncDispose]());

/** Waits until an instance of the plugin is live. Returns its address. */
async function addressOfPlugin(): Promise<string> {
  return vi.waitFor(async () => {
    const { stdout } = await kplug(['plugins', ...admin()]);
    const { instances = [] } = JSON.parse(stdout || '{}');
    const [instance] = instances.filter(({ state }: { state: string }) => /live/i.test(state));
    expect(instance?.encrypted).toBe(true);
    return instance.registration.address as string;
  }, waiting);
}

/** Returns the certificate that a server presents, as PEM. */
function certificateAt(target: string): Promise<string> {
  const [host = '', at = ''] = target.split(/:(?=\d+$)/);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(at), rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function recordedCalls(file: string): Promise<RecordedCall[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

describe('at a secured operator', { timeout: 90_000 }, () => {
  it('kplug record registers a plugin by TLS with a token, and records its calls', async () => {
    const file = workspace.path('calls.jsonl');
    const access = ['--ca', ca, '--token-file', workspace.path('token')];
    const command = ['--', process.execPath, greetingPlugin];
    // The settings of the user's shell are for the operator, not for the recorder.
    const env = { GREETING_FOLDER: workspace.path('out'), KPLUG_TLS_CA: ca };
    await using recorder = startKplug(['record', file, '--controller', address(), ...access, ...command], { env });
    await vi.waitFor(
      async () => expect((await recordedCalls(file))[0]?.method, recorder.stderr).toBe('Reconcile'),
      waiting,
    );
    const [first] = await recordedCalls(file);
    expect(first).toMatchObject({ plugin: 'Plain', response: { outcome: 'OUTCOME_SUCCESS' } });

    // The relay, which has the operator's place, lets in nobody else.
    const relay = await addressOfPlugin();
    await workspace.write('relay.crt', await certificateAt(relay));
    const stranger = await kplug(['replay', file, '--plugin', relay, '--ca', workspace.path('relay.crt')]);
    expect(stranger).toMatchObject({ code: 4, stderr: expect.stringContaining('demands a client certificate') });
    const plain = await kplug(['replay', file, '--plugin', relay]);
    expect(plain).toMatchObject({ code: 4, stderr: expect.stringContaining('--tls-dir') });
    recorder.kill('SIGTERM');
    expect((await recorder.ended()).code).toBe(0);
  });

  it('kplug render and kplug replay call a plugin by TLS as its operator, and say what to do otherwise', async () => {
    const plugin = workspace.startPlugin(address(), { KPLUG_TLS_CA: ca, KPLUG_TOKEN_FILE: workspace.path('token') });
    const at = await addressOfPlugin().catch((cause) => expect.fail(`${cause}: ${plugin.stdout}${plugin.stderr}`));
    await workspace.write('plugin.crt', await certificateAt(at));
    const tlsDir = ['--tls-dir', workspace.path('manifests/.kplug/tls')];
    const trusted = ['--ca', workspace.path('plugin.crt')];
    const render = (...options: string[]) => kplug(['render', workspace.path('one.yaml'), '--plugin', at, ...options]);

    const rendered = await render(...trusted, ...tlsDir);
    expect(rendered.stderr).toBe('');
    expect(rendered).toMatchObject({ code: 0, stdout: expect.stringContaining('type: Ready') });
    const replayed = await kplug(['replay', workspace.path('calls.jsonl'), '--plugin', at, ...trusted, ...tlsDir]);
    expect(replayed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^\d+ calls?, no differences/) });

    expect(await render()).toMatchObject({ code: 4, stderr: expect.stringMatching(/demands TLS.*--ca.*--tls-dir/s) });
    expect(await render(...trusted)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/demands a client certificate: .*--tls-dir/s),
    });
    expect(await render('--ca', ca, ...tlsDir)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('presents another certificate than that of --ca'),
    });
    expect(await render(...tlsDir)).toMatchObject({ code: 2, stderr: expect.stringContaining('openssl s_client') });
    expect(await render(...trusted, '--protocol', 'kplug')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the protocol kplug has no TLS'),
    });
  });

  it('kplug record says what is missing', async () => {
    const record = (...options: string[]) =>
      kplug(['record', workspace.path('none.jsonl'), ...options, '--', process.execPath, '-e', '0']);
    expect(await record('--ca', workspace.path('nowhere.crt'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the file of --ca can't be read"),
    });
    expect(await record('--cert', ca)).toMatchObject({ code: 2, stderr: expect.stringContaining('--cert and --key') });
    expect(existsSync(workspace.path('none.jsonl'))).toBe(false);
  });
});
