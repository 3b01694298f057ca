import { expect, it } from 'vitest';
import { urisOf } from './caller.ts';

it.each([
  [undefined, []],
  ['', []],
  ['URI:kplug://caller', ['kplug://caller']],
  ['DNS:a.example, URI:kplug://caller, IP Address:127.0.0.1', ['kplug://caller']],
  ['URI:spiffe://a/b, URI:kplug://caller', ['spiffe://a/b', 'kplug://caller']],
  // Node.js quotes names with special characters, and escapes their commas.
  ['DNS:"a\\u002c URI:kplug://caller\\u002c DNS:b"', []],
  ['URI:"x\\u002c URI:kplug://caller"', ['"x\\u002c URI:kplug://caller"']],
  ['URI:"kplug://caller"', ['"kplug://caller"']],
  ['DNS:kplug://caller', []],
  ['email:URI:kplug://caller', []],
])('the URIs of %s are %j', (name, uris) => {
  expect(urisOf(name)).toEqual(uris);
});
