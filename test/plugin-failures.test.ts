import { ConditionStatus, Outcome } from '@kplug/protocol';
import { reference, TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { rawPlugin } from './raw-plugin.ts';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('an answer that violates the protocol is refused completely', () => {
  const success = { outcome: Outcome.SUCCESS };

  it.each([
    ['without an outcome', {}, /it returned no outcome/],
    [
      'with a status that is not JSON',
      { ...success, baseStatus: new Uint8Array([0xff, 0xfe]) },
      /the base's status isn't JSON in UTF-8/,
    ],
    [
      'with a status that is not an object',
      { ...success, baseStatus: json([1]) },
      /the base's status isn't a JSON object/,
    ],
    [
      'with a key that changes a prototype',
      { ...success, baseStatus: new TextEncoder().encode('{"a":{"__proto__":{"polluted":true}}}') },
      /a key that is not allowed/,
    ],
    [
      'for another resource',
      { ...success, extensionStatuses: { 'myorg.org/v1alpha1/PgOptions/default/others': json({}) } },
      /others", which isn't an extension of this resource/,
    ],
    [
      'with a condition that is reserved for the controller',
      { ...success, conditions: [{ type: 'Ready', status: ConditionStatus.TRUE, reason: 'Because' }] },
      /the condition Ready, which is reserved for the controller/,
    ],
    [
      'with a condition without a status',
      { ...success, conditions: [{ type: 'Backup', reason: 'Because' }] },
      /the condition Backup without a status/,
    ],
    [
      'with a reason that is not a word',
      { ...success, events: [{ reason: 'It is so', message: '' }] },
      /an event has "It is so" as its reason/,
    ],
    [
      'with too many events',
      { ...success, events: Array.from({ length: 101 }, () => ({ reason: 'Again', message: '' })) },
      /101 events; at most 100/,
    ],
  ])('%s', async (_, response, message) => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    await rawPlugin(operator, () => response);
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(message);
    expect(operator.condition('users', 'Ready')?.message).toMatch(/^the answer of Raw 1.0.0 is refused/);
    expect(operator.get('users', 'PgOptions')?.status).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('an answer with more than the controller accepts is refused before anything is parsed or written', () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const keys = Object.fromEntries(Array.from({ length: 250_000 }, (_, index) => [`k${index}`, index]));
  const config = (name: string, more: object = {}) =>
    json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more }, data: {} });
  const event = { reason: 'Tested', message: 'an Event of the answer' };
  const key = 'myorg.org/v1alpha1/PgOptions/default/users';

  it.each([
    [
      'a status of 250,000 keys',
      { baseStatus: json(keys) },
      /the base's status has 4,027,781 bytes; at most 262,144 are allowed; return less, or raise maxStatusSize/,
    ],
    [
      'a status of many values',
      { baseStatus: json({ list: Array(20_001).fill(0) }) },
      /the base's status has more than 20,000 values/,
    ],
    [
      '4 MiB of nested lists',
      { baseStatus: text(`${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`) },
      /the base's status has 4,000,000 bytes/,
    ],
    ['nested lists', { baseStatus: text('['.repeat(200_000)) }, /the base's status is nested more than 64 levels deep/],
    ['a long key', { baseStatus: json({ ['k'.repeat(2_000)]: 1 }) }, /has a key of 2,000 bytes; at most 1,024/],
    [
      'a number beyond any',
      { baseStatus: text('{"a":{"b":[1e400]}}') },
      /status isn't JSON in UTF-8: the number 1e400 is out of range/,
    ],
    [
      'half of a character',
      { baseStatus: text('{"a":"\\ud800"}') },
      /status can't be stored: a has half of a surrogate/,
    ],
    ['half of a character in a key', { baseStatus: text('{"\\udc00":1}') }, /half of a surrogate pair/],
    ['invalid UTF-8', { baseStatus: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, /status isn't JSON in UTF-8/],
    [
      "an extension's status that is too large",
      { baseStatus: json({}), extensionStatuses: { [key]: json({ text: 'x'.repeat(300_000) }) } },
      /the status of myorg\.org\/v1alpha1\/PgOptions\/default\/users has 300,011 bytes/,
    ],
    [
      'a message that is too long',
      { messages: [{ reason: 'Told', text: 'x'.repeat(40_000) }] },
      /the message Told has 40,000 characters; at most 32,768 are allowed/,
    ],
    [
      'an Event that is too long',
      { events: [event, { reason: 'Told', message: 'x'.repeat(40_000) }] },
      /the event Told has 40,000 characters/,
    ],
    [
      'a condition that is too long',
      { conditions: [{ type: 'Backup', status: ConditionStatus.TRUE, reason: 'Told', message: 'x'.repeat(40_000) }] },
      /the condition Backup has 40,000 characters/,
    ],
    [
      'a condition with a long type',
      { conditions: [{ type: `${'a'.repeat(300_000)}/b`, status: ConditionStatus.TRUE, reason: 'Told' }] },
      /^.{0,400}the malformed type "a{99}…"$/,
    ],
    ['a long reason', { messages: [{ reason: 'a'.repeat(300_000), text: '' }] }, /has "a{99}…" as its reason/],
    [
      'thousands of dependents',
      { dependents: { items: Array.from({ length: 5_000 }, (_, index) => config(`c${index}`)) } },
      /it returned 5000 dependents; at most 100 are allowed/,
    ],
    [
      'a dependent that is too large',
      { dependents: { items: [config('a'), config('b', { annotations: { a: 'x'.repeat(1_100_000) } })] } },
      /dependents\[1\] has 1,\d+,\d+ bytes; at most 1,048,576 are allowed/,
    ],
    [
      'a dependent whose name is no DNS name',
      { dependents: { items: [config('My_Config')] } },
      /dependents\[0\]\.metadata\.name is not a name of lower-case letters/,
    ],
    [
      'a dependent with a label that Kubernetes refuses',
      { dependents: { items: [config('a', { labels: { version: 'not allowed' } })] } },
      /dependents\[0\]\.metadata\.labels\.version must be at most 63 letters/,
    ],
    [
      'a dependent with half of a character',
      {
        dependents: {
          items: [text('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"\\ud800"}}')],
        },
      },
      /dependents\[0\] can't be stored: data\.a has half of a surrogate pair/,
    ],
  ])('%s', async (_, response, message) => {
    const reasons: unknown[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => reasons.push(JSON.parse(line).reason) });
    const dependents = { kinds: [{ apiVersion: 'v1', kind: 'ConfigMap' }] };
    const operator = await TestOperator.start({ dependents }, { logger });
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS, events: [event], ...response }));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(message);
    expect(reasons).toContain('InvalidResponse');
    expect(reasons).not.toContain('Tested');
    expect(operator.get('users', 'PgOptions')?.status).toBeUndefined();
  });

  it('but a delegation may accept larger statuses', async () => {
    const operator = await TestOperator.start({ maxStatusSize: 1024 * 1024 });
    operator.table('users');
    await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS, baseStatus: json({ text: 'x'.repeat(900_000) }) }));
    await operator.expectReady('users', 'Raw');
  });

  it('and a delay of centuries is shortened', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS, requeueAfter: { seconds: 300_000_000_000n } }));
    await operator.expectReady('users', 'Raw');
  });
});

describe('a plugin', () => {
  it('that answers with a malformed message fails only that call', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS }), {}, Buffer.from([0xff, 0xff, 0xff]));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginFailed' });
    await operator.plugin({ name: 'Sound' }, { weight: 200 });
    operator.table('users', { preferredImplementation: 'Sound' });
    await operator.expectReady('users', 'Sound');
  });

  it('that answers too late is cancelled at the deadline', async () => {
    const operator = await TestOperator.start({ deadline: '100ms' });
    operator.table('users');
    const aborted = vi.fn();
    await operator.plugin({
      name: 'Slow',
      reconcile: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(aborted()))),
    });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DeadlineExceeded' });
    await vi.waitFor(() => expect(aborted).toHaveBeenCalled());
  });

  it('that answers with a message that is too large is refused', async () => {
    const operator = await TestOperator.start({}, { connections: { maxMessageSize: 10_000 } });
    operator.table('users');
    await operator.plugin({ name: 'Verbose', reconcile: () => ({ status: { text: 'x'.repeat(20_000) } }) });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(/is too large/);
  });

  it('that accepts only smaller requests fails, with a message about the request', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { text: 'x'.repeat(20_000) });
    await operator.plugin({ name: 'Narrow' }, { maxMessageSize: 10_000 });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginFailed' });
    const message = operator.condition('users', 'Ready')?.message;
    expect(message).toMatch(/the request to Narrow 1\.0\.0 at \S+ is too large: .*larger than max/);
    expect(message).not.toMatch(/answer/);
  });

  it('that returns fields reserved for the controller has them ignored', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => ({
        status: { implementation: 'Forged', plugin: 7, observedGeneration: 99, conditions: [], mine: 1 },
      }),
    });
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.get('users')?.status).toMatchObject({
      plugin: { name: 'PostgreSQL' },
      observedGeneration: 1,
      mine: 1,
    });
  });

  it('that registers an unreachable address is not available', async () => {
    const operator = await TestOperator.start();
    const { server } = await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS }));
    server.forceShutdown();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'NoPlugin',
      message: expect.stringMatching(/Raw 1.0.0: none of its instances can be reached/) as string,
    });
  });

  it('that registers the address of another plugin gets no calls, nor does the other one for it', async () => {
    const operator = await TestOperator.start();
    const reconcile = vi.fn(() => ({ outcome: Outcome.SUCCESS }));
    await rawPlugin(operator, reconcile, { instanceId: 'real', claims: 'forged' });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'NoPlugin',
      message: expect.stringMatching(/another process answers at its address/) as string,
    });
    expect(reconcile).not.toHaveBeenCalled();
  });

  it('that implements the protocol directly, without a health service, works', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await rawPlugin(operator, ({ base }) => {
      const { metadata } = JSON.parse(new TextDecoder().decode(base?.json)) as { metadata: { name: string } };
      return { outcome: Outcome.SUCCESS, baseStatus: json({ hello: metadata.name }) };
    });
    await operator.expectReady('users', 'Raw');
    expect(operator.get('users')?.status).toMatchObject({ hello: 'users' });
  });
});
