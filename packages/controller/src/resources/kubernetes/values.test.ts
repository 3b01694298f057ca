import { parseJson } from '@kplug/protocol';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonEquals } from '../json.ts';
import type { JsonValue } from '../resource.ts';
import { FollowedCluster } from './testing.ts';

const group = 'values.example.org';
const tables = { apiVersion: `${group}/v1`, kind: 'Table' };

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

describe('a number', () => {
  const literals = [
    ...['9223372036854775807', '-9223372036854775808', '9007199254740993', '9007199254740991', '12345678901234567'],
    // Beyond 64 bits with a sign, the API server rounds.
    ...['9223372036854775808', '18446744073709551615', '-9223372036854775809', '123456789012345678901234567890'],
    ...['1.0', '1E5', '1e18', '1e21', '1e-7', '-0', '-0.0', '0.1', '1.00000000000000000001', '12345678901234567.0'],
    ...['0.30000000000000004', '1152921504606846976', '1152921504606846976.0', '1e300', '5e-324', '1e-400'],
  ];

  it('has the value that the API server gives it', async () => {
    const namespace = await cluster.namespace();
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespaces: [namespace] });
    await followed.follow(tables);
    const path = `/apis/${tables.apiVersion}/namespaces/${namespace}/tables`;
    const numbers = literals.map((literal) => new Literal(literal));
    await cluster.request('POST', path, { ...tables, metadata: { name: 'users' }, spec: { numbers } });
    const { spec } = await followed.waitFor(`${tables.apiVersion}/Table/${namespace}/users`);
    const stored = spec?.numbers as JsonValue[];
    const expected = parseJson(`[${literals}]`) as JsonValue[];
    const differing = literals.filter((_, index) => !jsonEquals(stored[index], expected[index]));
    expect(differing).toEqual([]);
    expect(stored[0]).toBe(9223372036854775807n);
  });

  it('of a status is not written again for how the API server writes it', async () => {
    const namespace = await cluster.namespace();
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespaces: [namespace] });
    await followed.follow(tables);
    await cluster.apply({ ...tables, metadata: { name: 'users', namespace }, spec: {} });
    const key = `${tables.apiVersion}/Table/${namespace}/users`;
    const { metadata } = await followed.waitFor(key);
    const status = { numbers: parseJson(`[${literals}]`) as JsonValue, exponent: 2 ** 60 };
    const write = () => followed.resources.applyStatus(key, status, { uid: metadata.uid, fieldManager: 'kplug/a' });
    await expect(write()).resolves.toBe('written');
    await followed.waitFor(key, (resource) => expect(resource.status).toHaveProperty('exponent'));
    await expect(write()).resolves.toBe('unchanged');
    expect(followed.writes()).toHaveLength(1);
  });
});

/** Number that is sent as it is written. */
class Literal {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toJSON(): unknown {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(this.#text);
  }
}
