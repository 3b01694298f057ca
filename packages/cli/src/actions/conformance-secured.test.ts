import { existsSync } from 'node:fs';
import type { Report } from '@kplug/conformance';
import { freePort } from '@kplug/testing/free-port';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { expect, it, vi } from 'vitest';

it('kplug conformance controller proves an identity to an operator that demands one', {
  timeout: 120_000,
}, async () => {
  await using workspace = await GreetingWorkspace.make();
  const tokens = workspace.path('tokens.yaml');
  const created = await kplug(['token', 'create', 'suite', '--plugin', 'Conformance', '--file', tokens]);
  const token = /kplug_\S+/.exec(created.stdout)?.[0] ?? expect.fail(created.stderr);
  await workspace.write('token', token);
  const port = await freePort();
  await workspace.startOperator(['--grpc-bind-address', `0.0.0.0:${port}`, '--heartbeat-tokens', tokens]);
  const ca = workspace.path('manifests/.kplug/tls/ca.crt');
  await vi.waitFor(() => expect(existsSync(ca)).toBe(true), { timeout: 30_000 });
  const address = `localhost:${port}`;
  const only = ['--only', 'C1,C5,C37,C38,C39', '-o', 'json'];
  const access = ['--ca', ca, '--token-file', workspace.path('token')];
  const { stdout, stderr } = await kplug(['conformance', 'controller', address, ...access, ...only]);
  const { verdicts } = JSON.parse(stdout || expect.fail(stderr)) as Report;
  expect(verdicts.map(({ number, result, seen, remark }) => `${number} ${result}: ${seen ?? remark ?? ''}`)).toEqual(
    ['C1', 'C1', 'C5', 'C5', 'C37', 'C37', 'C38', 'C39', 'C39'].map((number) =>
      expect.stringMatching(new RegExp(`^${number} passed`)),
    ),
  );
  const without = await kplug(['conformance', 'controller', address, '--ca', ca, ...only]);
  expect(without).toMatchObject({ code: 4, stderr: expect.stringContaining('UNAUTHENTICATED') });
  const key = await kplug(['conformance', 'controller', address, '--ca', ca, '--cert', ca]);
  expect(key).toMatchObject({ code: 2, stderr: expect.stringContaining('--cert and --key have to be given together') });
});
