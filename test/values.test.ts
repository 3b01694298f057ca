import type { JsonObject } from '@kplug/controller';
import { definePlugin } from '@kplug/sdk';
import { reference, TestOperator, V0Operator, V0Plugin } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

const apiVersion = 'myorg.org/v1alpha1';
const waiting = { timeout: 10_000 };
const max = 9223372036854775807n;
const spec = {
  size: max,
  sizes: [-max - 1n, 9007199254740993n, 9007199254740991],
  ratio: 0.1,
  text: '9223372036854775807',
};

describe('a value', () => {
  it('reaches a plugin and comes back in statuses and dependents as it was', async () => {
    const operator = await TestOperator.start({ dependents: { kinds: [{ apiVersion, kind: 'View' }] } });
    operator.extension('PgOptions', 'users', spec);
    operator.table('users', { ...spec, extensions: [reference('PgOptions', 'users')] });
    const seen: unknown[] = [];
    await operator.plugin({
      name: 'Echo',
      reconcile({ base, extensions, dependents }) {
        const { extensions: _, ...given } = base.spec as typeof spec & { extensions: unknown };
        const [options] = extensions.all('PgOptions');
        seen.push(given, options?.spec, ...dependents.all().map((one) => one.spec));
        return {
          status: { given },
          extensions: options ? [{ extension: options, status: { given: options.spec } }] : [],
          dependents: [{ apiVersion, kind: 'View', metadata: { name: 'users' }, spec: given }],
          conditions: [{ type: 'Exact', status: given.size === max, reason: 'Compared' }],
        };
      },
    });
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ given: spec });
    expect(operator.get('users', 'PgOptions')?.status).toMatchObject({ given: spec });
    expect(operator.get('users', 'View')?.spec).toEqual(spec);
    await operator.expectCondition('users', 'Exact', { status: 'True' });

    const smaller = { ...spec, size: max - 1n };
    operator.table('users', { ...smaller, extensions: [reference('PgOptions', 'users')] });
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ given: smaller });
    // A call before and after each change of the dependent.
    expect(seen).toEqual([
      ...[spec, spec],
      ...[spec, spec, spec],
      ...[smaller, spec, spec],
      ...[smaller, spec, smaller],
    ]);
  });

  it('that does not fit in a number is named if the schema of the plugin refuses it', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { sizes: [max] });
    const base = z.object({ spec: z.object({ sizes: z.array(z.number()) }) });
    await operator.serve(
      definePlugin({ name: 'Typed', version: '1.0.0', api: 'Table@1.0.0', base, reconcile: () => ({}) }),
    );
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    expect(operator.condition('users', 'Ready')?.message).toContain(
      '.spec.sizes[0]: Invalid input: expected number, received bigint (9223372036854775807 does not fit in a number of JavaScript',
    );
  });

  it('beyond 64 bits is refused when a plugin returns it', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.plugin({ name: 'Large', reconcile: () => ({ status: { rows: max + 1n } }) });
    const message = 'rows is 9223372036854775808, which does not fit in 64 bits with a sign';
    await vi.waitFor(() => expect(operator.condition('users', 'Ready')?.message).toContain(message), {
      timeout: 10_000,
    });
  });

  it('that JSON does not have is refused when a plugin returns it', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.plugin({ name: 'Ratio', reconcile: () => ({ status: { ratios: [1, 0 / 0], none: null } }) });
    const message = 'ratios.1 is NaN, which is not a number that JSON has';
    await vi.waitFor(() => expect(operator.condition('users', 'Ready')?.message).toContain(message), waiting);
  });

  it('can be logged by a plugin', () => {
    const lines: string[] = [];
    pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) }).info(
      { size: max, list: [max] },
      'x',
    );
    expect(lines).toEqual(['{"level":30,"size":9223372036854775807,"list":[9223372036854775807],"msg":"x"}\n']);
  });

  it('passes between an operator and a plugin of the first Kplug as it was', async () => {
    const operator = await TestOperator.start(
      { extensions: { path: '.spec.references' } },
      { allowInsecurePlugins: true },
    );
    operator.table('users', { size: max });
    const received: unknown[] = [];
    await V0Plugin.start(operator, {
      name: 'Old',
      create: (base) => {
        received.push(base);
        return ['size: 9223372036854775807\nnegative: -9223372036854775808\nword: yes\nlist: [9007199254740993]\n'];
      },
    });
    await operator.expectReady('users');
    const status: JsonObject = { size: max, negative: -max - 1n, word: 'yes', list: [9007199254740993n] };
    expect(operator.get('users')?.status).toMatchObject(status);
    expect(received).toHaveLength(1);
  });

  it('passes from an operator of the first Kplug to a plugin of the SDK as it was', async () => {
    const operator = await V0Operator.start();
    const specs: unknown[] = [];
    const plugin = await definePlugin({
      name: 'Today',
      version: '1.2.3',
      api: 'Table@1.0.0',
      reconcile: ({ base }) => void specs.push(base.spec),
    }).serve({ protocol: 'kplug', controller: operator.address, logLevel: 'silent', handleSignals: false });
    onTestFinished(() => plugin.stop());
    await vi.waitFor(() => expect(operator.heartbeats).not.toEqual([]), waiting);
    const metadata = { name: 'users', namespace: 'default', uid: 'u', generation: 1 };
    await operator.call('create', { apiVersion, kind: 'Table', metadata, spec });
    expect(specs).toEqual([spec]);
  });
});
