// Attacks on recorded calls: whoever may read the admin port, but not Secrets, looks for secrets in them. Without masking they are all there.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ActivityService } from '@kplug/protocol';
import { keyFor, TestOperator, V0Plugin } from '@kplug/testing';
import { describe, expect, it } from 'vitest';
import { maskText } from '../../packages/controller/src/clients/recording/mask-text.ts';
import { writeMasked } from '../../packages/controller/src/clients/recording/write-masked.ts';
import { limits } from '../../packages/controller/src/limits/limits.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

/** Part of each secret. */
const needle = 'hunter2';
const encoded = Buffer.from(needle).toString('base64');

const pem = (label: string) => `-----BEGIN ${label}-----\n${needle}\n${'A'.repeat(64)}\n-----END ${label}-----`;

function expectMasked(value: unknown): string {
  const { text, masked } = writeMasked(value);
  expect(text).not.toContain(needle);
  expect(text).not.toContain(encoded);
  expect(masked).toBeGreaterThan(0);
  return text;
}

describe('a recorded value', () => {
  it.each([
    'password',
    'Passwd',
    'PASSWORD',
    'db_password',
    'db-password',
    'dbPassword',
    'token',
    'accessToken',
    'ACCESS_TOKEN',
    'secret',
    'clientSecret',
    'credential',
    'credentials',
    'privateKey',
    'private_key',
    'private-key',
    'PRIVATEKEY',
    'apiKey',
    'APIKey',
    'api_key',
    'x-api-key',
    'connectionString',
    'connection_string',
    'CONNECTION-STRING',
    'Authorization',
    'example.org/api-token',
    'databaseDsn',
    'ｐａｓｓｗｏｒｄ',
    'pass\u200bword',
    'p.a.s.s.w.o.r.d',
    `${'x'.repeat(5_000)}password`,
    `password${'x'.repeat(5_000)}`,
    '.dockerconfigjson',
    'kubectl.kubernetes.io/last-applied-configuration',
  ])('has no value of a field named %s', (name) => {
    expectMasked({ spec: { [name]: needle } });
    expectMasked({ spec: { [name]: [needle] } });
    expectMasked({ spec: { [name]: { value: needle, nested: [{ deeper: needle }] } } });
    expectMasked({ spec: { list: [{ list: [{ [name]: needle }] }] } });
    expectMasked({ env: [{ name, value: needle }] });
    expectMasked(JSON.stringify({ spec: { [name]: needle } }));
  });

  it('has no values of Secrets, wherever they are and however they are written', () => {
    const data = { name: encoded, username: encoded, 'a.b': encoded, kind: encoded, nested: { name: encoded } };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data, stringData: { name: needle } };
    const text = expectMasked(secret);
    expect(text).toContain('"name": "db"');
    expect(text).toContain('"username": "(masked)"');
    expectMasked({ ...secret, kind: ' secret ' });
    expectMasked({ ...secret, data: encoded });
    expectMasked({ data, kind: 'Secret' });
    expectMasked({ kind: 'SecretList', items: [{ metadata: { name: 'db' }, data }] });
    expectMasked(new Map([['/v1/Secret/default/db', secret]]));
    expectMasked({ required: new Map([['password', [secret]]]) });
    expectMasked({ dependents: { items: [secret] } });
    expectMasked({ metadata: { annotations: { copy: JSON.stringify(secret) } } });
    expectMasked({ copy: JSON.stringify({ copy: JSON.stringify(secret) }) });
    expectMasked({ data: { 'secret.yaml': `apiVersion: v1\ndata:\n  name: ${encoded}\nkind: Secret\n` } });
    const long = `data:\n  name: ${encoded}\n${'# filler\n'.repeat(limits.recording.maxValueText)}kind: Secret\n`;
    expectMasked({ data: { 'long.yaml': long } });
  });

  it('shows what only refers to a secret', () => {
    const value = {
      passwordSecretRef: { name: 'db', key: 'password' },
      tokenSecretName: 'token-of-db',
      valueFrom: { secretKeyRef: { name: 'db', key: 'password' } },
      automountServiceAccountToken: false,
    };
    const { text, masked } = writeMasked(value);
    expect(masked).toBe(0);
    expect(JSON.parse(text)).toEqual(value);
  });

  it.each([
    `postgres://admin:${needle}@db.example.org/app`,
    `see postgres://admin:${needle}@db.example.org:5432, or not`,
    `postgres://admin:${needle}/x@y@db.example.org/app`,
    `https://example.org/?user=a&access_token=${needle}&b=c`,
    `["redis://:${needle}@cache"]`,
    `Server=db;User Id=a;Password=${needle};Timeout=5`,
    `--password=${needle}`,
    `DB_PASSWORD="${needle}"`,
    `{"password": "${needle}", broken`,
    `{\\"password\\": \\"${needle}\\"}`,
    `password: ${needle} with ${needle}`,
    `password: |\n  ${needle}\n  ${needle}\n`,
    `password: >-\n    ${needle}`,
    `tokens:\n- ${needle}\n- ${needle}\n`,
    `password:\n  value: ${needle}`,
    `Authorization: Basic ${encoded}`,
    `header 'Bearer ${needle}${'a'.repeat(20)}'`,
    `eyJhbGciOiJIUzI1NiJ9.${needle}.abc`,
    `ghp_${needle}${'a'.repeat(20)}`,
    pem('RSA PRIVATE KEY'),
    pem('PRIVATE KEY'),
    pem('OPENSSH PRIVATE KEY'),
    pem('PGP PRIVATE KEY BLOCK'),
    pem('PRIVATE KEY').replaceAll('\n', '\\n'),
    `-----BEGIN EC PRIVATE KEY-----\n${needle}`,
    `${pem('CERTIFICATE').replace(needle, '')}\n${pem('EC PRIVATE KEY')}`,
  ])('has no secret in the text %s', (text) => {
    expectMasked({ spec: { note: text } });
    expectMasked({ spec: { args: ['run', text] } });
    expectMasked({ note: `${'x '.repeat(500)}\n${text}` });
    expect(maskText(`the plugin failed: ${text}`).text).not.toContain(needle);
  });

  it('has no secret in the next argument of a command, nor in base64', () => {
    expectMasked({ command: ['run', '--password', needle, '--verbose'] });
    const key = Buffer.from(pem('RSA PRIVATE KEY')).toString('base64');
    expect(expectMasked({ data: { 'tls.key': key, note: { password: needle } } })).not.toContain(key);
  });

  it('has no part of a secret where it is cut', () => {
    const { maxValueText } = limits.recording;
    for (let shift = 0; shift < 40; shift++) {
      const filler = `${'x'.repeat(98)} \n`.repeat(maxValueText / 100 + 1).slice(0, maxValueText - shift);
      for (const secret of [
        `postgres://admin:${needle}@db`,
        `password: ${needle}`,
        pem('PRIVATE KEY'),
        `token=${needle}`,
      ]) {
        const { text, truncated } = writeMasked({ note: `${filler}${secret}${' y'.repeat(100)}` });
        expect(text).not.toContain('hunt');
        expect(truncated).toBe(true);
      }
    }
  });

  it('is limited in depth, size and time, whatever its shape', async () => {
    let deep: unknown = needle;
    for (let level = 0; level < 10_000; level++) deep = level % 2 ? [deep] : { deep };
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));
    const shapes: unknown[] = [
      deep,
      wide,
      { password: wide },
      Array.from({ length: 100_000 }, () => ({ password: needle })),
      { note: 'password'.repeat(100_000) },
      { notes: Array.from({ length: 300 }, () => 'token'.repeat(3_000)) },
      { notes: Array.from({ length: 300 }, () => 'eyJ'.repeat(5_000)) },
      { notes: Array.from({ length: 300 }, () => '://a:'.repeat(3_000)) },
      { notes: Array.from({ length: 300 }, () => '-----BEGIN PRIVATE KEY'.repeat(700)) },
      { notes: Array.from({ length: 300 }, () => 'kind:'.repeat(3_000)) },
      { notes: Array.from({ length: 300 }, () => 'password:\n'.repeat(1_500)) },
      { notes: Array.from({ length: 300 }, () => '[[[[{"a":"'.repeat(1_500)) },
      { note: JSON.stringify(JSON.stringify(JSON.stringify(wide))) },
      { ['k'.repeat(1_000_000)]: 1 },
      JSON.parse('{"__proto__": {"password": "x"}, "constructor": {"toString": 1}}'),
    ];
    const unit = unitOfWork();
    for (const shape of shapes) {
      let written = '';
      const block = await longestBlock(async () => {
        written = writeMasked(shape).text;
      });
      expect(written.length).toBeLessThanOrEqual(limits.recording.maxText);
      expect(written).not.toContain(needle);
      expect(block / unit).toBeLessThan(300);
    }
  });
});

describe('ListCalls', () => {
  async function recordingOperator(options: Parameters<typeof TestOperator.start>[1] = {}) {
    const operator = await TestOperator.start(
      { dependents: { kinds: [{ apiVersion: 'v1', kind: 'Secret', allowPrivileged: true }] } },
      { adminAddress: '127.0.0.1:0', recordCalls: true, allowInsecurePlugins: true, ...options },
    );
    const baseUrl = `http://${operator.controller.adminAddress}`;
    const client = createClient(ActivityService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
    return { operator, calls: () => client.listCalls({ key: keyFor('Table', 'users') }) };
  }

  it('has no secret of requests, answers and errors', async () => {
    const { operator, calls } = await recordingOperator();
    let isBroken = false;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        if (isBroken) throw new Error(`no connection to postgres://admin:${needle}@db`);
        const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { name: needle } };
        return { status: { url: `postgres://admin:${needle}@db`, apiToken: needle }, dependents: [secret] };
      },
    });
    operator.table('users', { password: needle, note: `token=${needle}` });
    await operator.expectReady('users');
    isBroken = true;
    operator.table('users', { password: `${needle}!` });
    await expect
      .poll(async () => (await calls()).calls.some(({ answer }) => answer.includes('no connection')))
      .toBe(true);
    const recorded = JSON.stringify((await calls()).calls, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    expect(recorded).not.toContain(needle);
    expect(recorded).not.toContain(encoded);
  });

  it('has no secret of calls in the first Kplug’s protocol', async () => {
    const { operator, calls } = await recordingOperator();
    await V0Plugin.start(operator, { name: 'Old', create: async () => [{ apiToken: needle }] });
    operator.table('users', { password: needle });
    await operator.expectReady('users', 'Old');
    await operator.controller.whenIdle();
    const { recording, calls: all } = await calls();
    expect(recording).toBe(true);
    expect(all[0]).toMatchObject({ plugin: 'Old', method: 'Reconcile', code: 'OK' });
    expect(all[0]?.masked).toBeGreaterThan(1);
    expect(all.map(({ request, answer }) => request + answer).join()).not.toContain(needle);
  });

  it('records nothing unless it is configured to', async () => {
    const { operator, calls } = await recordingOperator({ recordCalls: false });
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users');
    await operator.expectReady('users');
    expect(await calls()).toMatchObject({ recording: false, calls: [] });
  });
});
