import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RefusalReason, type RegistrationSchema, RegistryService } from '@kplug/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { nameOfRefusal } from '../../packages/controller/src/registry/refusal.ts';
import { AttackedOperator } from './attacked-operator.fixture.ts';
import { owner } from './owner.fixture.ts';

type Given = MessageInitShape<typeof RegistrationSchema>;

const minute = 60_000;

function clientOf({ heartbeatAddress }: AttackedOperator) {
  const client = createGrpcClient(RegistryService, heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  return client;
}

function registration(given: Given): Given {
  return {
    plugin: 'Hostile',
    version: '1.0.0',
    apis: [{ name: 'Other', version: '1.0.0' }],
    address: '127.0.0.1:9',
    instanceId: 'hostile',
    ...given,
  };
}

/**
 * Sends registrations, twenty at a time, and counts the answers by reason: `closed` for those that went down with their connection, as
 * the port bounds the input of one.
 */
async function registerAll(operator: AttackedOperator, all: readonly Given[]): Promise<Map<string, string[]>> {
  const client = clientOf(operator);
  const answers = new Map<string, string[]>();
  for (let start = 0; start < all.length; start += 20) {
    const batch = all
      .slice(start, start + 20)
      .map((one) => client.heartbeat({ registration: registration(one) }, { metadata: owner }).catch(closedOr));
    for (const { answer } of await Promise.all(batch)) {
      if (!answer) {
        answers.set('closed', [...(answers.get('closed') ?? []), '']);
        continue;
      }
      const refusal = answer.case === 'refusal' ? answer.value : undefined;
      const name = refusal ? nameOfRefusal(refusal.reason) : 'accepted';
      const messages = answers.get(name) ?? [];
      messages.push(refusal?.message ?? '');
      answers.set(name, messages);
    }
  }
  return answers;
}

function closedOr(error: grpc.ServiceError): { answer: undefined } {
  // A call in progress on a connection that is closed ends without a status.
  const isClosed = error.code === grpc.status.UNAVAILABLE || error.details.includes('RST_STREAM with code 0');
  if (!isClosed) throw error;
  return { answer: undefined };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const pairs = (count: number, length: number, seed = 0) =>
  Object.fromEntries(numbers(count).map((index) => [`pair-${seed}-${index}`, 'x'.repeat(length)]));

// Without a bound, each of 2,500 registrations of 60 KB is held until its lease ends, and a heap of 256 MiB is at its end.
it('2,500 registrations of 60 KB with long leases leave room', async () => {
  const operator = await AttackedOperator.start();
  const huge = numbers(2_500).map((index) => ({
    instanceId: `huge-${index}`,
    labels: pairs(1, 60_000, index),
    ttl: durationFromMs(10 * minute),
  }));
  const before = await operator.state();
  const after = await operator.endure(async () => {
    const answers = await registerAll(operator, huge);
    expect((answers.get('INVALID') ?? []).length + (answers.get('closed') ?? []).length).toBe(2_500);
    expect(answers.get('INVALID')?.[0]).toMatch(/labels\[pair-0-0\] has 60000 characters; at most 256/);
  });
  expect(after.memory - before.memory).toBeLessThan(100);
});

// Without bounds of the memory of a host, many registrations of an accepted size fill the heap as well.
it('registrations of the largest accepted size fill a part of the memory', async () => {
  const operator = await AttackedOperator.start();
  const large = numbers(1_000).map((index) => ({
    instanceId: `large-${index}`,
    labels: pairs(32, 250, index),
    apis: [{ name: 'Other', version: '1.0.0', capabilities: pairs(15, 250, index) }],
    ttl: durationFromMs(10 * minute),
  }));
  await operator.endure(async () => {
    const answers = await registerAll(operator, large);
    expect(answers.get('accepted')?.length).toBeGreaterThan(300);
    expect(answers.get('CAPACITY')?.[0]).toMatch(
      /registrations of 127.0.0.1 have reached their maximum of 8 MiB.*registryQuota.maxSizePerHost/,
    );
  });
});

// Without a bound, each name becomes a label of metrics, a line of the log and a Plugin resource that is kept for a day.
it('976 plugin names of one host become a limited number of plugins, lines and Plugin resources', async () => {
  const operator = await AttackedOperator.start();
  const before = await operator.state();
  const after = await operator.endure(async () => {
    const answers = await registerAll(
      operator,
      numbers(976).map((index) => ({ plugin: `Name-${index}`, instanceId: `name-${index}` })),
    );
    expect(answers.get('accepted')).toHaveLength(255);
    expect(answers.get('CAPACITY')?.[0]).toMatch(
      /plugins of 127.0.0.1.*maximum of 256.*registryQuota.maxPluginsPerHost/,
    );
  });
  expect(after.lines - before.lines).toBeLessThan(330);
  expect(after.pluginNames).toBeLessThanOrEqual(256);
  expect(after.series - before.series).toBeLessThan(20);
});

// Without a bound, an instance that renames itself leaves a Plugin resource for each of its names.
it('an instance that renames itself is refused after some names', async () => {
  const operator = await AttackedOperator.start();
  const before = await operator.state();
  const after = await operator.endure(async () => {
    const client = clientOf(operator);
    for (const index of numbers(976))
      await client.heartbeat({ registration: registration({ plugin: `Renamed-${index}` }) }, { metadata: owner });
  });
  expect(after.changes - before.changes).toBeLessThan(60);
  expect(after.pluginNames).toBeLessThan(60);
});

const many = (count: number, name: (index: number) => string) => numbers(count).map(name);

const outOfBounds: readonly [string, Given, RegExp][] = [
  ['a name of 64 characters', { plugin: 'a'.repeat(64) }, /plugin has 64 characters; at most 63/],
  ['a version of 200 characters', { version: `1.0.0-${'a'.repeat(200)}` }, /version has 206 characters/],
  ['a version with line breaks around it', { version: '\n1.0.0\n' }, /version ".*" has control or format characters/],
  ['an address of 300 characters', { address: `${'a'.repeat(300)}:1` }, /address has 302 characters/],
  ['an instance id with an escape sequence', { instanceId: '\u001b[2J' }, /instance_id "\\u001b\[2J" has control/],
  ['an instance id that changes direction', { instanceId: 'a\u202eb' }, /instance_id "a\\u202eb"/],
  [
    '65 APIs',
    { apis: many(65, (index) => `Api-${index}`).map((name) => ({ name, version: '1.0.0' })) },
    /apis has 65 entries/,
  ],
  [
    '65 extension kinds',
    { apis: [{ name: 'Other', version: '1.0.0', extensionKinds: many(65, (i) => `K${i}`).map((kind) => ({ kind })) }] },
    /apis\[Other\].extension_kinds has 65 entries/,
  ],
  [
    'an extension kind of 64 characters',
    { apis: [{ name: 'Other', version: '1.0.0', extensionKinds: [{ kind: 'K'.repeat(64) }] }] },
    /extension_kinds.kind has 64 characters/,
  ],
  [
    '65 capabilities',
    { apis: [{ name: 'Other', version: '1.0.0', capabilities: pairs(65, 1) }] },
    /capabilities has 65/,
  ],
  [
    'the name of a label of 318 characters',
    { labels: { ['k'.repeat(318)]: '' } },
    /entry of labels has 318 characters/,
  ],
  ['a label with a zero-width character', { labels: { a: 'b\u200b' } }, /labels\[a\] "b\\u200b" has control or format/],
  ['a pod of 1,000 characters', { pod: { namespace: 'a', name: 'b'.repeat(1_000) } }, /pod.name has 1000 characters/],
  [
    'a total of more than 16 KiB',
    { labels: pairs(32, 256), apis: [{ name: 'Other', version: '1.0.0', capabilities: pairs(64, 256) }] },
    /the registration has \d+ bytes; at most 16384 bytes/,
  ],
];

// Without bounds of each list and text, one registration takes all of the memory, or breaks the terminal of who looks at it.
it('a registration that exceeds any bound is refused, with the field and its bound', async () => {
  const operator = await AttackedOperator.start();
  const client = clientOf(operator);
  await operator.endure(async () => {
    for (const [name, given, message] of outOfBounds) {
      const { answer } = await client.heartbeat({ registration: registration(given) }, { metadata: owner });
      const refusal = answer.case === 'refusal' ? answer.value : undefined;
      expect(refusal, name).toMatchObject({ reason: RefusalReason.INVALID, message: expect.stringMatching(message) });
    }
  });
});
