// Identities of plugins outside of a cluster, by processes of operators and plugins: from the flags to the status of a resource.
import { TestCa, type TestCertificate } from '@kplug/testing/certificates';
import { kplug, type RunningProcess } from '@kplug/testing/kplug';
import { describe, expect, it, vi } from 'vitest';
import { TestIssuer } from '../packages/controller/src/authentication/testing.ts';
import { IdentityWorkspace } from './identity-workspace.ts';
import { mountedFolder } from './mounted-folder.ts';

const waiting = { timeout: 60_000, interval: 20 };
const now = () => Math.floor(Date.now() / 1_000);

/** Waits until a plugin has replaced its session after a change of its credentials. */
const expectReplaced = (plugin: RunningProcess, times = 1) =>
  vi.waitFor(() => expect(plugin.stdout.split('replaced the session')).toHaveLength(times + 1), waiting);

describe('a token of an OIDC issuer', () => {
  const subject = 'repo:example/plain';

  it('proves an identity, and others are refused with a reason; a rotation of the key of the issuer loses no call', async () => {
    const issuer = await TestIssuer.start();
    const files = await mountedFolder();
    const other = await TestIssuer.start();
    const claims = { sub: subject, aud: 'kplug-test' };
    const flags = ['--oidc-issuer', issuer.url, '--token-audience', 'kplug-test'];
    const operator = await IdentityWorkspace.start(flags, [`oidc:${issuer.url}#${subject}`]);

    const write = (token: Promise<string>) => async () => files.write({ token: await token });
    const plugin = await operator.startRefused(
      { KPLUG_TOKEN_FILE: files.path('token') },
      [
        [write(issuer.sign({ ...claims, aud: 'vault' })), /its claim "aud" has another value .* audience "kplug-test"/],
        [
          write(issuer.sign({ ...claims, exp: now() - 600 })),
          /not accepted: it expired at 2.*; send a current token of/,
        ],
        // Its header names a key of the issuer.
        [write(other.sign({ ...claims, iss: issuer.url })), /not accepted: its signature is wrong/],
        [write(other.sign(claims)), /a token of the issuer .* was sent; this operator accepts tokens of/],
        [
          write(issuer.sign({ ...claims, sub: 'repo:example/fork' })),
          /fork may not be the plugin Plain: .*; to admit it, add \{ identities/,
        ],
      ],
      write(issuer.sign(claims)),
    );
    await operator.expectReconciled(plugin, 'first');

    await operator.callDuring(async () => {
      await issuer.addKey('second');
      await files.write({ token: await issuer.sign(claims, { kid: 'second' }) });
      await expectReplaced(plugin);
    });
    await operator.expectReconciled(plugin, 'last');
  });
});

describe('a client certificate', () => {
  it.each([
    ['DNS name', { dnsNames: ['plain.plugins.example.org'] }, 'certificate:plain.plugins.example.org'],
    [
      'SPIFFE id',
      { uris: ['spiffe://example.org/plugins/plain'], dnsNames: ['localhost'] },
      'certificate:spiffe://example.org/plugins/plain',
    ],
  ])('proves its %s, and others are refused with a reason; its rotation loses no call', async (_, names, identity) => {
    const [ca, stranger] = await Promise.all([TestCa.create('plugins'), TestCa.create('plugins')]);
    const bundle = await mountedFolder();
    await bundle.write({ 'ca.crt': ca.certificate });
    const operator = await IdentityWorkspace.start(['--client-ca', bundle.path('ca.crt')], [identity]);
    const issue = (more: Parameters<TestCa['issue']>[0] = {}) => ca.issue({ usage: 'both', ...names, ...more });

    const files = await mountedFolder();
    const change = (certificate: Promise<TestCertificate>) => async () => {
      const { certificate: pem, key } = await certificate;
      await files.write({ 'tls.crt': pem, 'tls.key': key });
    };
    const plugin = await operator.startRefused(
      { KPLUG_TLS_CERT: files.path('tls.crt'), KPLUG_TLS_KEY: files.path('tls.key') },
      [
        [change(stranger.issue({ usage: 'both', ...names })), /the client certificate doesn't chain to a CA/],
        [change(issue({ from: -7_200_000, until: -3_600_000 })), /the client certificate .*expired/],
        [change(issue({ usage: 'server' })), /clientAuth/],
        [
          change(issue({ uris: [], dnsNames: ['other.example.org'] })),
          /other\.example\.org may not be the plugin Plain/,
        ],
        [change(issue({ uris: ['spiffe://example.org/other'] })), /org\/other may not be the plugin Plain/],
        [change(issue({ uris: [], dnsNames: [] })), /the client certificate .*name/],
      ],
      change(issue()),
    );
    await operator.expectReconciled(plugin, 'first');

    await operator.callDuring(async () => {
      await change(issue())();
      await expectReplaced(plugin);
      // The CA, with an overlap.
      const next = await TestCa.create('plugins');
      await bundle.write({ 'ca.crt': ca.certificate + next.certificate });
      await operator.expectLog('ca.crt again, as it has changed');
      await change(next.issue({ usage: 'both', ...names }))();
      await expectReplaced(plugin, 2);
      await bundle.write({ 'ca.crt': next.certificate });
    });
    await operator.expectReconciled(plugin, 'last');
  });
});

describe('a token of a file', () => {
  it('proves an identity until it is revoked; its rotation loses no call', async () => {
    const files = await mountedFolder();
    const tokens = files.path('../tokens.yaml');
    const kplugToken = async (...args: string[]) => {
      const { code, stdout, stderr } = await kplug(['token', ...args, '--file', tokens]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return stdout;
    };
    const create =
      (name: string, plugin: string, ...more: string[]) =>
      async () =>
        files.write({ token: await kplugToken('create', name, '--plugin', plugin, ...more) });
    await create('other', 'Other')();
    const operator = await IdentityWorkspace.start(['--heartbeat-tokens', tokens]);
    const plugin = await operator.startRefused(
      { KPLUG_TOKEN_FILE: files.path('token') },
      [
        [async () => undefined, /the token "other" is for Other, not for Plain/],
        [
          () => files.write({ token: `kplug_${'a'.repeat(43)}` }),
          /doesn't know the token, or it was revoked; create one/,
        ],
        [
          () => files.write({ token: 'secret' }),
          /a token of an unknown form was sent; this operator accepts tokens made by/,
        ],
      ],
      create('plain', 'Plain'),
    );
    await operator.expectReconciled(plugin, 'first');

    await operator.callDuring(async () => {
      await files.write({ token: await kplugToken('rotate', 'plain') });
      await expectReplaced(plugin);
    });

    await kplugToken('revoke', 'plain');
    await vi.waitFor(() => expect(plugin.stdout).toMatch(/refused the registration: .*it was revoked/), waiting);
    await vi.waitFor(async () => {
      const { stdout } = await kplug(['plugins'], { cwd: operator.workspace.manifests });
      expect(stdout).not.toContain('Plain');
    }, waiting);
    await operator.expectNoFailedCall();
  });
});
