import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiError } from './api-error.ts';
import { Transport } from './transport.ts';

const request = { method: 'GET', path: '/api/v1/pods', verb: 'list', resource: 'pods' } as const;

/** Server that accepts given tokens and records the tokens of requests. */
async function serve(isAccepted: (token: string) => boolean) {
  const seen: { token: string; agent: string; user: string }[] = [];
  const server = createServer(({ headers }, response) => {
    const token = headers.authorization ?? '';
    seen.push({ token, agent: headers['user-agent'] ?? '', user: String(headers['impersonate-user'] ?? '') });
    response.writeHead(isAccepted(token) ? 200 : 401, { 'content-type': 'application/json' });
    response.end('{"items":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function open(server: string, user: Partial<KubeConfig['users'][number]>): Transport {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'u', ...user });
  const transport = new Transport(kubeConfig, { timeout: 5_000 });
  onTestFinished(() => transport.close());
  return transport;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kplug-credentials-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('credentials', () => {
  it('of a kubeconfig are sent with each request, with a user agent', async () => {
    const { seen, server } = await serve(() => true);
    await open(server, { token: 'secret', impersonateUser: 'somebody' }).request(request);
    expect(seen).toEqual([{ token: 'Bearer secret', agent: expect.stringMatching(/^kplug\/\d/), user: 'somebody' }]);
  });

  it('of an exec plugin are renewed when they are no longer accepted', async () => {
    const path = await folder();
    const tokens = join(path, 'tokens');
    const plugin = join(path, 'plugin.mjs');
    await writeFile(tokens, 'first');
    // Expired credentials are requested each time that client-node reads them.
    await writeFile(
      plugin,
      `#!${process.execPath}
import { readFileSync } from 'node:fs';
const status = { token: readFileSync(${JSON.stringify(tokens)}, 'utf8'), expirationTimestamp: '2020-01-01T00:00:00Z' };
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }));
`,
    );
    await chmod(plugin, 0o755);
    let accepted = 'Bearer first';
    const { seen, server } = await serve((token) => token === accepted);
    const transport = open(server, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } });
    await transport.request(request);
    await writeFile(tokens, 'second');
    accepted = 'Bearer second';
    await transport.request(request);
    expect(seen.map(({ token }) => token)).toEqual(['Bearer first', 'Bearer first', 'Bearer second']);
  });

  it('that stay refused are reported as an error', async () => {
    const { server } = await serve(() => false);
    await expect(open(server, { token: 'wrong' }).request(request)).rejects.toThrow(
      expect.objectContaining({ reason: 'Unauthorized', code: 401 }),
    );
  });

  it('that cannot be read are reported as an error', async () => {
    const { server } = await serve(() => true);
    const missing = join(await folder(), 'missing');
    const transport = open(server, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: missing } });
    const error = await transport.request(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ reason: 'Unauthorized', message: expect.stringContaining(missing) });
  });
});
