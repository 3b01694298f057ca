import { expect, it } from 'vitest';
import { defineCapability } from './define-capability.ts';

const definition = {
  name: 'Databases',
  version: '1.0.0',
  api: 'Capability@1.0.0',
  category: 'database',
  types: { postgresql: ['16', '17'] },
  dependents: () => [],
};

/** Defines a capability as a program in JavaScript does, without a compiler. */
function define(given: object): void {
  defineCapability({ ...definition, ...given } as unknown as Parameters<typeof defineCapability>[0]);
}

it('a valid definition is accepted', () => {
  expect(() => define({ status: () => ({}), finalize: () => undefined })).not.toThrow();
});

it.each([
  [
    { category: 'data base' },
    'the capability "data base" of the API Capability is malformed; write a category and a type',
  ],
  [{ types: {} }, "the category database has no types; write at least one, such as { postgresql: ['17'] }"],
  [{ types: undefined }, 'the category database has no types'],
  [{ types: { 'postgre sql': ['17'] } }, 'the capability "postgre sql" of the API Capability is malformed'],
  [{ types: { postgresql: [] } }, "database/postgresql has no list of versions; write at least one, such as ['17']"],
  [{ types: { postgresql: '17' } }, 'database/postgresql has no list of versions'],
  [{ types: { postgresql: [17] } }, "the version 17 of database/postgresql is malformed; write a text such as '17'"],
  [{ types: { postgresql: ['>=17'] } }, 'the version ">=17" of database/postgresql is malformed'],
  [{ types: { SQL: ['1'], sql: ['2'] } }, 'the API Capability provides database/sql twice; write it once'],
  [{ dependants: () => [] }, 'the capability has the unknown field "dependants"; its fields are name, version, api,'],
  [{ dependents: 7 }, 'dependents of the capability must be a function'],
  [{ status: {} }, 'status of the capability must be a function'],
])('%j is rejected', (given, message) => {
  expect(() => define(given)).toThrow(message);
});
