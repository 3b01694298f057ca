import { create, equals, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ResourcesSchema } from './gen/kplug/kplug_pb.ts';
import { ReconcileResponseSchema } from './gen/kplug/v1/plugin_pb.ts';
import { RegistrationSchema } from './gen/kplug/v1/registry_pb.ts';
import { readMessage } from './read-message.ts';

const count = 1_000;
const listOf = <T>(value: T) => Array.from({ length: count }, () => value);

it.each([
  ['a list of messages', ReconcileResponseSchema, { events: listOf({}) }],
  ['a list in a message', ReconcileResponseSchema, { dependents: { items: listOf(new Uint8Array()) } }],
  [
    'a map of bytes',
    ReconcileResponseSchema,
    { extensionStatuses: Object.fromEntries(listOf(0).map((_, index) => [`${index}`, new Uint8Array()])) },
  ],
  [
    'a map of messages',
    ResourcesSchema,
    { references: Object.fromEntries(listOf(0).map((_, index) => [`${index}`, { yaml: 'a' }])) },
  ],
  [
    'a list of messages with lists',
    RegistrationSchema,
    { apis: listOf({ name: 'a', extensionKinds: [{ kind: 'a' }] }) },
  ],
] as const)('refuses too many fields: %s', (_, schema, init) => {
  const message = create(schema as typeof ReconcileResponseSchema, init as object);
  const bytes = toBinary(schema as typeof ReconcileResponseSchema, message);
  expect(() => readMessage(schema as typeof ReconcileResponseSchema, bytes, count - 1)).toThrow(
    'the message has more than 999 fields',
  );
  expect(
    equals(
      schema as typeof ReconcileResponseSchema,
      readMessage(schema as typeof ReconcileResponseSchema, bytes, 5 * count),
      message,
    ),
  ).toBe(true);
});

it('refuses too many unknown fields', () => {
  expect(() => readMessage(ReconcileResponseSchema, Buffer.from('7800'.repeat(count), 'hex'), count - 1)).toThrow(
    'more than 999 fields',
  );
});

it('counts a large text as one field', () => {
  const message = create(ReconcileResponseSchema, { baseStatus: new Uint8Array(100_000) });
  expect(readMessage(ReconcileResponseSchema, toBinary(ReconcileResponseSchema, message), 10)).toEqual(message);
});

it('reports malformed messages', () => {
  expect(() => readMessage(ReconcileResponseSchema, Buffer.alloc(1_000, 0xff), 10)).toThrow(/illegal|invalid|varint/i);
});
