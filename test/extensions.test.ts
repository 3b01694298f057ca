import { reference, TestOperator } from '@kplug/testing';
import { describe, expect, it } from 'vitest';

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

  it.each([
    [
      'listed twice',
      [reference('PgOptions', 'users'), reference('PgOptions', 'users')],
      'ExtensionDuplicated',
      /listed more than once/,
    ],
    [
      'in another namespace',
      [reference('PgOptions', 'users', { namespace: 'elsewhere' })],
      'ExtensionForbidden',
      /is in another namespace/,
    ],
    [
      'without a name',
      [{ apiVersion: 'v1', kind: 'PgOptions' }],
      'ExtensionMalformed',
      /must have apiVersion, kind and name/,
    ],
    ['that is no list', 'users', 'ExtensionMalformed', /must be a list/],
  ])('%s is reported, and delays nothing', async (_, extensions, reason, message) => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    expect(operator.condition('users', 'ExtensionsResolved')).toMatchObject({
      status: 'False',
      reason,
      message: expect.stringMatching(message),
    });
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
