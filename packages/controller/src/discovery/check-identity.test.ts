import { expect, it } from 'vitest';
import { registrationOf } from '../registry/testing.ts';
import type { ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { checkIdentity } from './check-identity.ts';

const registration = registrationOf({ plugin: 'PostgreSQL', version: '1.2.0', api: 'Table', apiVersion: '1.0.0' });

it.each<[string, ExpectedPlugin]>([
  ['nothing', { apis: [] }],
  ['the name in another case', { plugin: 'postgresql', apis: [] }],
  ['the version', { version: '1.2.0', apis: [] }],
  ['a range of versions', { version: '^1.0.0', apis: [] }],
  ['an API', { apis: [{ name: 'Table' }] }],
  ['an API in a range of versions', { apis: [{ name: 'Table', version: '^1.0.0' }] }],
])('accepts a plugin for which the declaration gives %s', (_, expected) => {
  expect(() => checkIdentity(registration, expected)).not.toThrow();
});

it.each<[ExpectedPlugin, string, RegExp]>([
  [
    { plugin: 'MariaDB', apis: [] },
    'PluginMismatch',
    /10\.0\.0\.1:7000 is PostgreSQL 1\.2\.0, but MariaDB is declared/,
  ],
  [{ version: '^2.0.0', apis: [] }, 'VersionMismatch', /but the version \^2\.0\.0 is declared/],
  [{ apis: [{ name: 'View' }] }, 'ApiMismatch', /implements Table@1\.0\.0, but View is declared/],
  [{ apis: [{ name: 'Table', version: '2.x' }] }, 'ApiMismatch', /but Table@2\.x is declared/],
])('rejects %j with %s', (expected, reason, message) => {
  expect(() => checkIdentity(registration, expected)).toThrow(
    expect.objectContaining({ reason, message: expect.stringMatching(message) }),
  );
});
