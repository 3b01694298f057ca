// Decoders and validators of what plugins send, with generated input. Nothing but the documented refusal may be thrown.
import { create, equals, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import { KplugError } from '@kplug/controller';
import {
  FinalizeResponseSchema,
  formatJson,
  Outcome,
  ReconcileResponseSchema,
  RegistrationSchema,
  v0,
  WorkResponseSchema,
} from '@kplug/protocol';
import { keyFor } from '@kplug/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PluginCall } from '../../packages/controller/src/clients/plugin-call.ts';
import { readStatuses } from '../../packages/controller/src/clients/v0/read-statuses.ts';
import { decodeFinalize, decodeReconcile } from '../../packages/controller/src/clients/v1/codec.ts';
import { readWorkResponse } from '../../packages/controller/src/clients/v1/read-work-response.ts';
import { bearerOf } from '../../packages/controller/src/heartbeat/bearer.ts';
import { hostOfPeer } from '../../packages/controller/src/heartbeat/host-of-peer.ts';
import { readLooseVersion } from '../../packages/controller/src/heartbeat/v0/loose-version.ts';
import { readPluginInformation } from '../../packages/controller/src/heartbeat/v0/read-registration.ts';
import { limits } from '../../packages/controller/src/limits/limits.ts';
import { formatPageToken, parsePageToken } from '../../packages/controller/src/paging/page-request.ts';
import {
  formatAddress,
  isLoopback,
  isSameAddress,
  parseAddress,
} from '../../packages/controller/src/registry/address.ts';
import { canonicalHost, isOddIPv4, rangeOf } from '../../packages/controller/src/registry/address-range.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { isUnchanged, RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { RefusedRegistration } from '../../packages/controller/src/registry/refusal.ts';
import type { Registration } from '../../packages/controller/src/registry/registration.ts';
import { findJsonFault } from '../../packages/controller/src/resources/json.ts';
import {
  anyBytes,
  anyText,
  anyYaml,
  damaged,
  fuzz,
  fuzzAsync,
  messagesOf,
  mostly,
  orError,
  textsOf,
} from './fuzz.fixture.ts';

const semanticVersion = /^[\sv=]*\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\s*$/;

const names = fc.constantFrom('PostgreSQL', 'a', 'A.b_c-d', 'constructor');
const versions = textsOf('1', '0', '.', '-', '+', 'v', 'alpha', 'x', '9007199254740993', '1.2.3', '1.0.0-rc.1');
const addresses = fc.oneof(
  textsOf(
    '127.1',
    '0x7f.1',
    '[',
    ']',
    '::',
    '::ffff:',
    '127.0.0.1',
    'localhost',
    '.',
    ':',
    '7000',
    '65536',
    '169.254.169.254',
    'fe80::1',
    '%eth0',
    'unix:',
    '@',
  ),
  fc.tuple(fc.domain(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([host, port]) => `[${host}]:${port}`),
  fc.tuple(fc.ipV4Extended(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
);
const registrationTexts = {
  plugin: names,
  name: names,
  version: fc.oneof(fc.constant('1.2.3'), versions),
  apiVersion: versions,
  api: names,
  kind: names,
  namespace: fc.constantFrom('default', 'a-b'),
  instanceId: fc.constantFrom('id', 'x'.repeat(128), 'x'.repeat(129)),
  address: addresses,
};
const validRegistration = {
  plugin: 'PostgreSQL',
  version: '1.2.3',
  apis: [{ name: 'Table', version: '1.0.0' }],
  address: '10.0.0.2:7000',
  instanceId: 'id',
};
const anyRegistration = messagesOf(RegistrationSchema, registrationTexts);
const registrations = fc.oneof(anyRegistration, mostly<object>(validRegistration, anyRegistration));
const reader = new RegistrationReader(new LeasePolicy(), { reserved: ['10.96.0.1:443', '[fd00::1]:443'] });
const peers = fc.constantFrom('127.0.0.1', '10.0.0.1', '::1', 'fd00::2');

/** Expects that a registration that was accepted is within the limits. */
function expectBounded({ plugin, version, apis, address, instanceId, weight, labels, lease }: Registration) {
  expect(plugin).toMatch(/^[A-Za-z0-9._-]{1,63}$/);
  expect(version).toMatch(semanticVersion);
  expect(apis.length).toBeLessThanOrEqual(limits.registry.maxApis);
  expect(Object.keys(labels).length).toBeLessThanOrEqual(limits.registry.maxLabels);
  expect(instanceId.length).toBeLessThanOrEqual(limits.registry.maxInstanceIdLength);
  expect(weight).toBeGreaterThanOrEqual(0);
  expect(weight).toBeLessThanOrEqual(1_000);
  expect(parseAddress(address)).toBeDefined();
  expect(lease.interval).toBeGreaterThan(0);
  expect(lease.ttl).toBeLessThanOrEqual(limits.registry.maxLeaseTtl);
  expect(lease.ttl).toBeGreaterThan(lease.interval);
}

// Without the checks, one registration would end the operator, or a name of a prototype would become a plugin's.
it('registrations are read, or refused with a reason', () => {
  fuzz(fc.tuple(registrations, peers), 4_000, ([init, peer]) => {
    const message = create(RegistrationSchema, init);
    const registration = orError(() => reader.read(message, peer), RefusedRegistration);
    if (!registration) return;
    expectBounded(registration);
    if (!message.interval && !message.ttl && !message.address.startsWith(':'))
      expect(isUnchanged({ ...message, address: registration.address }, registration)).toBe(true);
  });
});

it('registrations of the first Kplug are read, or refused with a reason', () => {
  fuzz(fc.tuple(messagesOf(v0.PluginInformationSchema, registrationTexts), peers), 4_000, ([init, peer]) => {
    const message = create(v0.PluginInformationSchema, init);
    const registration = orError(() => readPluginInformation(message, peer, reader), RefusedRegistration);
    if (registration) expectBounded(registration);
  });
});

it('messages that are written are read as they were', () => {
  fuzz(registrations, 2_000, (init) => {
    const message = create(RegistrationSchema, init);
    expect(
      equals(RegistrationSchema, fromBinary(RegistrationSchema, toBinary(RegistrationSchema, message)), message),
    ).toBe(true);
  });
});

const resource = (kind: string) => ({
  apiVersion: 'myorg.org/v1alpha1',
  kind,
  metadata: {
    name: 'users',
    namespace: 'default',
    uid: '1',
    generation: 1,
    resourceVersion: '1',
    creationTimestamp: '',
  },
});
const extension = keyFor('PgOptions', 'users');
const call: PluginCall = {
  base: resource('Table'),
  extensions: new Map([[extension, resource('PgOptions')]]),
  dependents: new Map(),
  required: new Map(),
  assignment: { delegation: 'tables', api: 'Table', apiVersion: '1.0.0', reason: '', message: '' },
  attempt: 1,
  maxStatusSize: 2_000,
  v0: { calls: 'createAlways', concurrency: 1 },
};
const validAnswer = {
  outcome: Outcome.SUCCESS,
  baseStatus: Buffer.from('{"a":[1,{"b":9007199254740993}]}'),
  extensionStatuses: { [extension]: Buffer.from('{}') },
  conditions: [{ type: 'Healthy', status: 1, reason: 'Ready', message: '' }],
};
const answerTexts = {
  reason: fc.constantFrom('Ready', 'A1', 'not a word'),
  type: fc.constantFrom('Healthy', 'a.org/B', 'Ready', ''),
  target: fc.constantFrom('', extension, 'other'),
  'extensionStatuses.key': fc.constantFrom(extension),
  'references.key': fc.constantFrom(extension),
};

const anyAnswer = messagesOf(ReconcileResponseSchema, answerTexts);
const answers = fc.oneof(anyAnswer, mostly<object>(validAnswer, anyAnswer));

type Answer = ReturnType<typeof decodeReconcile>;

/** Expects that an answer that was accepted can be written. */
function expectWritable({
  baseStatus,
  extensionStatuses,
  dependents,
  requeueAfter = 0,
  retryAfter = 0,
}: Partial<Answer>) {
  const statuses = [baseStatus, ...(extensionStatuses?.values() ?? [])].flatMap((status) => status?.fields ?? []);
  for (const fields of [...statuses, ...(dependents?.items ?? [])]) expect(findJsonFault(fields)).toBeUndefined();
  for (const fields of statuses)
    expect(Buffer.byteLength(formatJson(fields))).toBeLessThanOrEqual(2 * call.maxStatusSize);
  for (const key of extensionStatuses?.keys() ?? []) expect(key).toBe(extension);
  for (const delay of [requeueAfter, retryAfter]) {
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThanOrEqual(limits.calls.maxDelay);
  }
}

// Without the checks, an answer would write other resources, prototypes, or values that no server stores.
it('answers to Reconcile and Finalize are read, or refused', () => {
  fuzz(answers, 8_000, (init) => {
    const answer = orError(() => decodeReconcile(create(ReconcileResponseSchema, init), call), KplugError);
    if (answer) expectWritable(answer);
  });
  fuzz(messagesOf(FinalizeResponseSchema, answerTexts), 2_000, (init) => {
    const answer = orError(() => decodeFinalize(create(FinalizeResponseSchema, init), call), KplugError);
    if (answer) expectWritable(answer);
  });
});

it('damaged messages end in an error of the decoder, whatever they decode to', () => {
  const written = answers.map((init) => toBinary(ReconcileResponseSchema, create(ReconcileResponseSchema, init)));
  fuzz(fc.oneof(damaged(written), anyBytes), 5_000, (bytes) => {
    const message = orError(() => fromBinary(ReconcileResponseSchema, bytes), Error);
    const answer = message && orError(() => decodeReconcile(message, call), KplugError);
    if (answer) expectWritable(answer);
  });
});

// Without the check, a frame that can't be read would end all calls of the stream.
it('frames of a stream are read, or become the error of their call', () => {
  const frames = messagesOf(WorkResponseSchema, answerTexts).map((init) =>
    toBinary(WorkResponseSchema, create(WorkResponseSchema, init)),
  );
  fuzz(fc.oneof(frames, damaged(frames), anyBytes), 8_000, (bytes) => {
    const { id, answer } = readWorkResponse(bytes, 500);
    expect(Number.isInteger(id)).toBe(true);
    if (bytes.length > 500) expect(answer.case).toBe('error');
  });
  const whole = fc
    .tuple(messagesOf(WorkResponseSchema, answerTexts), fc.nat())
    .map(([init, id]) => create(WorkResponseSchema, { ...init, id }));
  fuzz(whole, 1_000, (message) => {
    expect(
      equals(WorkResponseSchema, readWorkResponse(toBinary(WorkResponseSchema, message), 1_000_000), message),
    ).toBe(true);
  });
});

// Without the checks, YAML of a plugin would be walked for ever, or change a prototype.
it('YAML of plugins of the first Kplug is read, or refused', async () => {
  const texts = fc.record({ base: anyYaml, extension: fc.oneof(fc.constant(''), anyYaml) });
  await fuzzAsync(texts, 5_000, async ({ base, extension: other }) => {
    const resources = create(v0.ResourcesSchema, {
      base: { yaml: base },
      references: { [extension]: { yaml: other } },
    });
    const read = await readStatuses(resources, call).catch((error: unknown) => {
      if (!(error instanceof KplugError)) throw error;
    });
    if (read) expectWritable(read);
  });
});

it('addresses are read as written, and classified', () => {
  fuzz(fc.oneof(addresses, anyText), 5_000, (text) => {
    const address = parseAddress(text);
    if (!address) return;
    expect(parseAddress(formatAddress(address))).toEqual(address);
    expect(address.port).toBeGreaterThan(0);
    expect(address.port).toBeLessThan(65_536);
    for (const test of [isLoopback, isOddIPv4]) expect(typeof test(address.host)).toBe('boolean');
    expect(canonicalHost(canonicalHost(address.host))).toBe(canonicalHost(address.host));
    rangeOf(address.host);
    expect(isSameAddress(text, formatAddress(address))).toBe(true);
  });
});

it('versions of the first Kplug become semantic versions', () => {
  fuzz(fc.oneof(versions, anyText), 4_000, (text) => expect(readLooseVersion(text)).toMatch(semanticVersion));
});

it('tokens of calls are read from any metadata, and hosts from any peer', () => {
  fuzz(fc.oneof(textsOf('Bearer', 'bearer', ' ', '\t', 'token', ','), fc.string()), 3_000, (text) => {
    const metadata = new Metadata();
    orError(() => metadata.set('authorization', text), Error);
    const token = bearerOf(metadata);
    expect(token === undefined || typeof token === 'string').toBe(true);
  });
  fuzz(fc.oneof(addresses, anyText), 1_000, (text) => expect(typeof hostOfPeer(text)).toBe('string'));
});

it('page tokens are read as written, and others are refused', () => {
  fuzz(fc.array(anyText, { maxLength: 3 }), 2_000, (position) => {
    expect(parsePageToken(formatPageToken(position), position.length)).toEqual(position);
  });
  const tokens = fc.oneof(
    anyText,
    anyBytes.map((bytes) => Buffer.from(bytes).toString('base64url')),
  );
  fuzz(tokens, 2_000, (token) => {
    const position = parsePageToken(token, 2);
    if (position) expect(position.map((part) => typeof part)).toEqual(['string', 'string']);
  });
});
