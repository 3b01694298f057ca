import { expect, it } from 'vitest';
import { urisOf } from './caller.ts';

it.each([
  [undefined, []],
  ['', []],
  ['URI:kplug://caller', ['kplug://caller']],
  ['DNS:a.example, URI:kplug://caller, IP Address:127.0.0.1', ['kplug://caller']],
  ['URI:spiffe://a/b, URI:kplug://caller', ['spiffe://a/b', 'kplug://caller']],
  // Node.js quotes names with commas and quotes.
  ['DNS:"a, URI:kplug://caller, DNS:b"', []],
  ['DNS:"a\\", URI:kplug://caller", URI:kplug://other', ['kplug://other']],
  ['URI:"kplug://caller"', ['"kplug://caller"']],
  ['DNS:kplug://caller', []],
  ['email:URI:kplug://caller', []],
])('the URIs of %s are %j', (name, uris) => {
  expect(urisOf(name)).toEqual(uris);
});
