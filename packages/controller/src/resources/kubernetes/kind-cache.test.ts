import { describe, expect, it } from 'vitest';
import type { ResourceChange } from '../port.ts';
import type { JsonObject } from '../resource.ts';
import { KindCache } from './kind-cache.ts';

const kind = { apiVersion: 'example.org/v1', kind: 'Table' };

/** Returns an object as the API server sends it. */
function object(
  version: number,
  { name = 'users', uid = 'a', fields }: { name?: string; uid?: string; fields?: JsonObject } = {},
) {
  const entry = { manager: 'kplug/a', operation: 'Apply', subresource: 'status', fieldsV1: { 'f:status': fields } };
  const metadata = { name, namespace: 'default', uid, generation: 1, resourceVersion: String(version) };
  return {
    ...kind,
    metadata: { ...metadata, ...(fields && { managedFields: [entry] }) },
    spec: { version },
  } as JsonObject;
}

function open({ isBeingWritten = () => false }: { isBeingWritten?: () => boolean } = {}) {
  const changes: ResourceChange[] = [];
  const cache = new KindCache({ kind, isBeingWritten, onChange: (change) => changes.push(change) });
  /** Received changes: versions, with a minus for deletions. */
  const told = () =>
    changes.map(
      ({ resource, gone }) => (gone ? '-' : '') + resource.metadata.name[0] + resource.metadata.resourceVersion,
    );
  return { cache, changes, told };
}

describe('KindCache', () => {
  it('ignores an object that is older than the response to a write', () => {
    const { cache, told } = open();
    cache.put(object(1));
    cache.putWritten(object(4));
    for (const version of [2, 3, 4]) cache.put(object(version));
    cache.put(object(5));
    expect(told()).toEqual(['u1', 'u4', 'u5']);
  });

  it('does not restore an object that was deleted before the response to a write', () => {
    const { cache, told } = open();
    cache.put(object(1));
    cache.remove(object(3));
    cache.putWritten(object(2));
    expect(cache.get('default', 'users')).toBeUndefined();
    expect(told()).toEqual(['u1', '-u3']);
  });

  it('distinguishes resources of the same name by UID', () => {
    const { cache, changes, told } = open();
    cache.put(object(1));
    cache.put(object(9, { uid: 'b' }));
    cache.remove(object(8));
    cache.put(object(8));
    cache.putWritten(object(12));
    expect(told()).toEqual(['u1', '-u1', 'u9']);
    expect(changes[2]).not.toHaveProperty('previous');
    expect(cache.get('default', 'users')?.metadata.uid).toBe('b');
  });

  it('accepts a list even when versions went back', async () => {
    const { cache, told } = open();
    for (const name of ['users', 'orders']) cache.put(object(7, { name }));
    const listing = cache.startListing(undefined);
    listing.add(object(3));
    await listing.end();
    expect(told()).toEqual(['u7', 'o7', 'u3', '-o7']);
  });

  it('keeps writes that were made while a list was read', async () => {
    const { cache, told } = open();
    for (const name of ['users', 'orders']) cache.put(object(1, { name }));
    const listing = cache.startListing('default');
    for (const name of ['users', 'orders']) cache.putWritten(object(5, { name }));
    listing.add(object(1));
    await listing.end();
    expect(told()).toEqual(['u1', 'o1', 'u5', 'o5']);
  });

  it('keeps namespaces that were not listed, and everything when the list is incomplete', async () => {
    const { cache, told } = open();
    cache.put(object(1));
    await cache.startListing('elsewhere').end();
    cache.startListing('default').cancel();
    expect(told()).toEqual(['u1']);
  });

  it.each([
    ['another client took a field', false, true],
    ['a write of the operator is in progress', true, undefined],
  ])('reports an overwritten status when %s: %s', (_, isBeingWritten, overwritten) => {
    const { cache, changes } = open({ isBeingWritten: () => isBeingWritten });
    cache.put(object(1, { fields: { 'f:rows': {}, 'f:size': {} } }));
    cache.put(object(2, { fields: { 'f:rows': {} } }));
    expect(changes[1]?.overwritten).toBe(overwritten);
  });

  it('rejects values that are not objects of a cluster', () => {
    const { cache } = open();
    for (const value of [null, 'text', {}, { metadata: { name: 'users' } }]) {
      expect(() => cache.put(value as JsonObject)).toThrow(TypeError);
    }
  });
});
