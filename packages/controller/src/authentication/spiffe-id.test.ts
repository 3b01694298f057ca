import { expect, it } from 'vitest';
import { spiffeIdFault } from './spiffe-id.ts';

it.each([
  'spiffe://example.org/a',
  'spiffe://example.org/ns/databases/sa/postgresql',
  'spiffe://staging_1.example-2.org/A.b_c-d/...',
])('%s is the id of a workload', (id) => expect(spiffeIdFault(id)).toBeUndefined());

it.each([
  ['spiffe://Example.org/a', 'has an invalid trust domain'],
  ['SPIFFE://example.org/a', 'has an invalid trust domain'],
  ['spiffe:///a', 'has an invalid trust domain'],
  ['spiffe://example.org:8443/a', 'has an invalid trust domain'],
  ['spiffe://user@example.org/a', 'has an invalid trust domain'],
  [`spiffe://${'a'.repeat(256)}/a`, 'has an invalid trust domain'],
  ['spiffe://example.org', 'has no path'],
  ['spiffe://example.org/', 'has no path'],
  ['spiffe://example.org/a/', 'has an invalid path'],
  ['spiffe://example.org//a', 'has an invalid path'],
  ['spiffe://example.org/../a', 'has an invalid path'],
  ['spiffe://example.org/./a', 'has an invalid path'],
  ['spiffe://example.org/a?b', 'has an invalid path'],
  ['spiffe://example.org/a#b', 'has an invalid path'],
  ['spiffe://example.org/%41', 'has an invalid path'],
  ['spiffe://example.org/a\nb', 'has an invalid path'],
  [`spiffe://example.org/${'a'.repeat(2_048)}`, 'is longer than 2048 characters'],
])('%s %s', (id, fault) => expect(spiffeIdFault(id)).toContain(fault));
