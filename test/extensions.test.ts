import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { DelegationService } from '@kplug/protocol';
import { reference, TestOperator, V0Plugin } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';

/** References that are ignored, with the reason and the message. */
const ignored: [string, unknown, string, RegExp][] = [
  [
    'listed twice',
    [reference('PgOptions', 'users'), reference('PgOptions', 'users')],
    'ExtensionDuplicated',
    /listed more than once/,
  ],
  [
    'listed in two versions of its kind',
    [reference('PgOptions', 'users'), reference('PgOptions', 'users', { apiVersion: 'myorg.org/v1' })],
    'ExtensionDuplicated',
    /listed more than once/,
  ],
  [
    'in another namespace',
    [reference('PgOptions', 'users', { namespace: 'elsewhere' })],
    'ExtensionForbidden',
    /PgOptions elsewhere\/users is in another namespace; an extension must be in the namespace default/,
  ],
  [
    'that is the resource itself',
    [reference('Table', 'users')],
    'ExtensionForbidden',
    /Table default\/users is the resource itself; remove the reference/,
  ],
  [
    'that is the resource itself in another version',
    [reference('Table', 'users', { apiVersion: 'myorg.org/v1' })],
    'ExtensionForbidden',
    /is the resource itself/,
  ],
  [
    'without a name',
    [{ apiVersion: 'v1', kind: 'PgOptions' }],
    'ExtensionMalformed',
    /\[0\] has no name; it must have apiVersion, kind and name/,
  ],
  ['without anything', [{}], 'ExtensionMalformed', /\[0\] has no apiVersion and no kind and no name;/],
  ['that is a name only', ['users'], 'ExtensionMalformed', /\[0\] is no reference; it must have/],
  ['with a malformed name', [reference('PgOptions', 'a/b')], 'ExtensionMalformed', /\[0\] is malformed; it must have/],
  ['that is no list', 'users', 'ExtensionMalformed', /must be a list/],
];

describe('an extension', () => {
  it('that is missing is reported, and waited for by a plugin that supports its kind', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    let calls = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      api: { name: 'Table', version: '1.0.0', extensionKinds: ['PgOptions.myorg.org'] },
      reconcile: () => void calls++,
    });
    const expected = { status: 'False', reason: 'ExtensionNotFound' };
    await operator.expectCondition('users', 'Ready', expected);
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({
      ...expected,
      message: expect.stringContaining("PgOptions default/users (myorg.org/v1alpha1) doesn't exist"),
    });
    expect(calls).toBe(0);
    operator.extension('PgOptions', 'users');
    await operator.expectReady('users');
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({ status: 'True' });
  });

  it("that is missing doesn't delay a plugin that doesn't support its kind", async () => {
    const operator = await TestOperator.start();
    operator.table('users', { extensions: [reference('MariaOptions', 'users')] });
    await operator.plugin({
      name: 'PostgreSQL',
      api: { name: 'Table', version: '1.0.0', extensionKinds: ['PgOptions'] },
    });
    await operator.expectReady('users');
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({ status: 'False' });
  });

  it.each(ignored)('%s is reported, and delays nothing', async (_, extensions, reason, message) => {
    const lines: { reason?: string }[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const operator = await TestOperator.start({ resync: 50 }, { adminAddress: '127.0.0.1:0', logger });
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions: extensions as [] });
    let calls = 0;
    await operator.plugin({ name: 'PostgreSQL', reconcile: () => void calls++ });
    await expectIgnored(operator, reason, message);
    await vi.waitFor(() => expect(calls).toBeGreaterThan(2), { timeout: 10_000, interval: 5 });
    // Its Event is recorded when the problem begins, not at each pass.
    expect(lines.filter((line) => line.reason === reason)).toHaveLength(1);
    const { events } = await explain(operator);
    expect(events.filter(({ event }) => event?.reason === reason)).toMatchObject([{ count: 1 }]);
    operator.table('users', { extensions: [] });
    await operator.expectCondition('users', 'ExtensionsResolved', { status: 'True', reason: 'Resolved' });
    await operator.expectCondition('users', 'Ready', { message: 'PostgreSQL 1.0.0 reconciled generation 2' });
    expect(await explain(operator)).toMatchObject({ extensionProblems: [] });
  });

  it.each(ignored)('%s is reported by a plugin of the first Kplug, too', async (_, extensions, reason, message) => {
    const operator = await TestOperator.start(
      { extensions: { path: '.spec.references' } },
      { adminAddress: '127.0.0.1:0', allowInsecurePlugins: true },
    );
    operator.extension('PgOptions', 'users');
    operator.table('users', { references: extensions as [] });
    await V0Plugin.start(operator, { name: 'Old' });
    await expectIgnored(operator, reason, message);
  });

  it('with an empty namespace is in that of the base', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions: [reference('PgOptions', 'users', { namespace: '' })] });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({ status: 'True' });
  });

  it('of a kind that the delegation does not allow is not read', async () => {
    const kinds = [{ apiVersion: 'myorg.org/v1alpha1', kind: 'PgOptions' }];
    const operator = await TestOperator.start({ extensions: { kinds } });
    operator.extension('Secret', 'users');
    operator.table('users', { extensions: [reference('Secret', 'users')] });
    let seen = -1;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ extensions }) => {
        seen = extensions.all('Secret').length;
      },
    });
    await operator.expectReady('users');
    expect(seen).toBe(0);
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({ reason: 'ExtensionForbidden' });
  });
});

/** Waits until a base is ready without an extension, and expects that its status and its explanation say so. */
async function expectIgnored(operator: TestOperator, reason: string, message: RegExp): Promise<void> {
  await operator.expectReady('users');
  const expected = { reason, message: expect.stringMatching(message) };
  expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({ status: 'False', ...expected });
  expect(operator.condition('users', 'Ready')?.message).toMatch(/reconciled generation 1, without an extension: /);
  expect(operator.condition('users', 'Ready')?.message).toMatch(message);
  expect(await explain(operator)).toMatchObject({ extensionProblems: [expected] });
}

function explain(operator: TestOperator) {
  const baseUrl = `http://${operator.controller.adminAddress}`;
  const client = createClient(DelegationService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
  return client.explainResource({ kind: 'Table', namespace: 'default', name: 'users' });
}
