import type { JsonObject } from '@kplug/controller';
import type { AssignedCapability, ProvidedCapability } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 10_000, interval: 5 };

const postgresql = (...versions: string[]): ProvidedCapability => ({
  category: 'database',
  type: 'postgresql',
  versions,
});

async function start() {
  const operator = await TestOperator.start({ capability: {} });
  return {
    operator,
    /** Starts a plugin that provides capabilities, and records those of its calls. */
    provider: async (name: string, ...provides: ProvidedCapability[]) => {
      const calls: (AssignedCapability | undefined)[] = [];
      const plugin = await operator.plugin({
        name,
        api: { name: 'Table', version: '1.0.0', provides },
        reconcile: ({ capability }) => {
          calls.push(capability);
          return { status: { host: `${name}-${capability?.version}` } };
        },
      });
      return { calls, plugin };
    },
    ask: (version?: JsonObject[string], more: JsonObject = {}) =>
      operator.table('users', {
        category: 'database',
        type: 'postgresql',
        ...(version !== undefined && { version }),
        ...more,
      }),
    status: () => operator.get('users')?.status as JsonObject | undefined,
    expectUnready: (reason: string, message: string | RegExp) =>
      operator.expectCondition('users', 'Ready', {
        status: 'False',
        reason,
        message: expect.stringMatching(message) as string,
      }),
  };
}

describe('a capability', () => {
  it('is provided by a plugin that has it, in the version that the resource asks for', async () => {
    const { operator, provider, ask, status } = await start();
    const { calls } = await provider('New', postgresql('16', '17'));
    await provider('Old', postgresql('14'));
    ask('14');
    await operator.expectReady('users', 'Old');
    ask(17);
    await operator.expectReady('users', 'New');
    expect(calls).toEqual([{ category: 'database', type: 'postgresql', version: '17', previousVersion: '14' }]);
    expect(status()).toMatchObject({
      capability: { category: 'database', type: 'postgresql', version: '17' },
      host: 'New-17',
    });
  });

  it('that nobody provides is reported with what is, and provided as soon as a plugin comes', async () => {
    const { operator, provider, ask, expectUnready } = await start();
    ask('18');
    await expectUnready('CapabilityUnavailable', "^postgresql 18 isn't provided; no plugin provides any capability$");
    await provider('Old', postgresql('14', '15', '16'));
    await expectUnready(
      'CapabilityUnavailable',
      "^postgresql 18 isn't provided; postgresql 14 to 16 are, by Old 1.0.0$",
    );
    await provider('New', postgresql('18'));
    await operator.expectReady('users', 'New');
  });

  it('without a version is the newest one, and stays when a newer one comes', async () => {
    const { operator, provider, ask, status } = await start();
    const former = await provider('Provider', postgresql('16', '17'));
    ask();
    await operator.expectReady('users', 'Provider');
    expect(status()).toMatchObject({ capability: { version: '17' } });
    await former.plugin.stop();
    const { calls } = await provider('Provider', postgresql('16', '17', '18'));
    ask(undefined, { changed: true });
    await vi.waitFor(() => expect(calls.at(-1)).toMatchObject({ version: '17', previousVersion: '17' }), waitOptions);
    ask('>=18');
    await vi.waitFor(() => expect(calls.at(-1)).toMatchObject({ version: '18', previousVersion: '17' }), waitOptions);
    await operator.expectReady('users', 'Provider');
    expect(status()).toMatchObject({ capability: { version: '18' } });
  });

  it('is upgraded with the former version until that has succeeded', async () => {
    const { operator, ask, status } = await start();
    const seen: unknown[] = [];
    let broken = true;
    await operator.plugin({
      name: 'Provider',
      api: { name: 'Table', version: '1.0.0', provides: [postgresql('16', '17')] },
      reconcile: ({ capability }) => {
        seen.push([capability?.previousVersion, capability?.version]);
        if (capability?.version === '17' && broken) throw new Error('no disk');
      },
    });
    ask('16');
    await operator.expectReady('users', 'Provider');
    ask('17');
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(3), waitOptions);
    expect(status()).toMatchObject({ capability: { version: '16' } });
    broken = false;
    await operator.expectReady('users', 'Provider');
    expect(seen.slice(0, 3)).toEqual([
      ['', '16'],
      ['16', '17'],
      ['16', '17'],
    ]);
    expect(status()).toMatchObject({ capability: { version: '17' } });
  });

  it('that is no longer provided leaves the resource as it is, and says so', async () => {
    const { operator, provider, ask, status, expectUnready } = await start();
    const former = await provider('Provider', postgresql('14', '15'));
    ask('14');
    await operator.expectReady('users', 'Provider');
    await former.plugin.stop();
    await provider('Provider', postgresql('15'));
    await expectUnready('CapabilityUnavailable', "^postgresql 14 isn't provided; postgresql 15 is, by Provider 1.0.0$");
    expect(status()).toMatchObject({ host: 'Provider-14', capability: { version: '14' }, implementation: 'Provider' });
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a category', { category: '' }, /^\.spec\.category must be a text such as database$/],
    ['a type', { type: 7 }, /^\.spec\.type must be a text such as postgresql$/],
    [
      'a version',
      { version: { major: 1 } },
      /^\.spec\.version must be a version such as 17, or a range such as ">=14 <17"$/,
    ],
  ])('without %s is refused', async (_, wrong, message) => {
    const { provider, ask, expectUnready } = await start();
    await provider('Provider', postgresql('14'));
    ask('14', wrong);
    await expectUnready('InvalidCapability', message);
  });
});
