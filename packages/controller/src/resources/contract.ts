import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Manifest } from './manifest.ts';
import type { ResourceChange, Resources, WriteOptions } from './port.ts';
import { type JsonObject, keyOf, type Resource, type ResourceKey } from './resource.ts';

/** Adapter under test, and the operations of its user. */
export interface ContractSubject {
  resources: Resources;
  /** Namespace of the user, which is empty. Default: `default`. */
  namespace?: string;
  /** Creates or changes a resource as a user does. */
  apply(manifest: Manifest): Promise<void>;
  /** Deletes a resource as a user does. */
  remove(manifest: Manifest): Promise<void>;
}

const tables = { apiVersion: 'example.org/v1', kind: 'Table' };
const finalizer = 'kplug.dev/delegation';

/** Tests that every adapter of `Resources` must pass. */
export function describeContract(open: () => Promise<ContractSubject>): void {
  describe('the contract of resources', () => {
    let subject: ContractSubject;
    let changes: ResourceChange[];

    beforeEach(async () => {
      subject = await open();
      changes = [];
      await subject.resources.follow(tables, (change) => changes.push(change));
    });

    afterEach(() => subject.resources.close());

    function namespace(): string {
      return subject.namespace ?? 'default';
    }

    function manifest(name: string, spec: Manifest['spec'] = { columns: 1 }): Manifest {
      return { ...tables, metadata: { name, namespace: namespace() }, spec };
    }

    async function make(
      name: string,
    ): Promise<{ key: ResourceKey; written: Resource; by(fieldManager: string): WriteOptions }> {
      const key = `example.org/v1/Table/${namespace()}/${name}`;
      await subject.apply(manifest(name));
      const written = await vi.waitFor(() => present(key));
      return { key, written, by: (fieldManager) => ({ uid: written.metadata.uid, fieldManager }) };
    }

    function present(key: ResourceKey): Resource {
      const resource = subject.resources.get(key);
      if (!resource) throw new Error(`${key} does not exist.`);
      return resource;
    }

    it('announces new, changed and removed resources', async () => {
      const { key, written } = await make('users');
      expect(keyOf(written)).toBe(key);
      expect(written.metadata).toMatchObject({ name: 'users', namespace: namespace(), generation: 1 });
      await subject.apply(manifest('users', { columns: 2 }));
      await vi.waitFor(() => expect(present(key).spec).toEqual({ columns: 2 }));
      await subject.remove(manifest('users'));
      await vi.waitFor(() => expect(subject.resources.get(key)).toBeUndefined());

      expect(changes.map(({ gone }) => gone)).toEqual([false, false, true]);
      expect(changes[0]).toEqual({ resource: written, gone: false });
      expect(changes[1]?.previous).toBe(written);
      expect(changes[1]?.resource.metadata).toMatchObject({ uid: written.metadata.uid, generation: 2 });
      expect(changes[2]?.resource.spec).toEqual({ columns: 2 });
    });

    it('announces existing resources to a later listener before its promise is fulfilled', async () => {
      await make('users');
      await make('orders');
      const received: string[] = [];
      await subject.resources.follow(tables, ({ resource }) => received.push(resource.metadata.name));
      expect(received.sort()).toEqual(['orders', 'users']);
      expect([...subject.resources.list(tables)].map(({ metadata }) => metadata.name).sort()).toEqual([
        'orders',
        'users',
      ]);
      expect([...subject.resources.list({ ...tables, apiVersion: 'example.org/v2' })]).toEqual([]);
    });

    it('stops announcing to a listener whose signal is aborted, but not to others', async () => {
      const leaving = new AbortController();
      const received: string[] = [];
      const { signal } = leaving;
      await subject.resources.follow(tables, ({ resource }) => received.push(resource.metadata.name), { signal });
      await make('users');
      leaving.abort();
      await make('orders');
      await vi.waitFor(() => expect(changes.map(({ resource }) => resource.metadata.name)).toContain('orders'));
      expect(received).toEqual(['users']);
      await expect(subject.resources.follow(tables, () => undefined, { signal })).rejects.toBe(signal.reason);
    });

    it('follows a kind again after a time without listeners', async () => {
      const other = { apiVersion: 'example.org/v1', kind: 'View' };
      const leaving = new AbortController();
      await subject.resources.follow(other, () => undefined, { signal: leaving.signal });
      leaving.abort();
      const received: string[] = [];
      await subject.apply({ ...other, metadata: { name: 'recent', namespace: namespace() }, spec: {} });
      await subject.resources.follow(other, ({ resource }) => received.push(resource.metadata.name));
      await vi.waitFor(() => expect(received).toEqual(['recent']));
    });

    describe('a dependent', () => {
      const views = { apiVersion: 'example.org/v1', kind: 'View' };
      const viewKey = (name: string) => `example.org/v1/View/${namespace()}/${name}`;

      async function keeping() {
        const { written: owner } = await make('users');
        await subject.resources.follow(views, () => undefined);
        return { owner, options: { owner, fieldManager: 'kplug/a' } };
      }

      it('is created, changed, and left alone when it is up to date', async () => {
        const { owner, options } = await keeping();
        const key = viewKey('all');
        const apply = async (spec: JsonObject, labels?: Record<string, string>) => {
          const write = subject.resources.applyOwned(key, { ...(labels && { labels }), fields: { spec } }, options);
          const { result, resource } = await write;
          expect(resource?.spec).toEqual(spec);
          return result;
        };
        await expect(apply({ rows: 1, of: { a: 1 } }, { shown: 'yes' })).resolves.toBe('written');
        const first = await vi.waitFor(() => present(key));
        expect(first).toMatchObject({ spec: { rows: 1, of: { a: 1 } }, metadata: { labels: { shown: 'yes' } } });
        expect(first.metadata.ownerReferences).toMatchObject([
          { kind: 'Table', name: 'users', uid: owner.metadata.uid },
        ]);
        await expect(apply({ rows: 1, of: { a: 1 } }, { shown: 'yes' })).resolves.toBe('unchanged');
        await expect(apply({ rows: 2 })).resolves.toBe('written');
        await vi.waitFor(() => expect(present(key).spec).toEqual({ rows: 2 }));
        expect(present(key).metadata.uid).toBe(first.metadata.uid);
      });

      it('is removed only when requested', async () => {
        const { options } = await keeping();
        await subject.resources.applyOwned(viewKey('all'), { fields: { spec: {} } }, options);
        await vi.waitFor(() => present(viewKey('all')));
        await expect(subject.resources.removeOwned(viewKey('all'), options)).resolves.toBe('written');
        expect(subject.resources.get(viewKey('all'))).toBeUndefined();
        await expect(subject.resources.removeOwned(viewKey('all'), options)).resolves.toBe('gone');
      });

      it('stays as it is when it is only to be created', async () => {
        const { options } = await keeping();
        const create = (rows: number) =>
          subject.resources.applyOwned(
            viewKey('all'),
            { fields: { spec: { rows } } },
            { ...options, createOnly: true },
          );
        await expect(create(1)).resolves.toMatchObject({ result: 'written', resource: { spec: { rows: 1 } } });
        // The cache may not have it yet.
        await expect(create(2)).resolves.toMatchObject({ result: 'unchanged', resource: { spec: { rows: 1 } } });
        const first = await vi.waitFor(() => present(viewKey('all')));
        await expect(create(2)).resolves.toMatchObject({ result: 'unchanged' });
        expect(present(viewKey('all'))).toEqual(first);
      });

      it('stays when it is released, and belongs to an owner of the same name again only when that adopts it', async () => {
        const { options } = await keeping();
        const { resources } = subject;
        const apply = (adopt: boolean) =>
          resources.applyOwned(viewKey('all'), { fields: { spec: { rows: 1 } } }, { ...options, adopt });
        await apply(false);
        const { metadata } = await vi.waitFor(() => present(viewKey('all')));
        await expect(resources.releaseOwned(viewKey('all'), options)).resolves.toBe('written');
        await expect(resources.releaseOwned(viewKey('all'), options)).resolves.toBe('gone');
        expect(present(viewKey('all')).metadata.ownerReferences ?? []).toEqual([]);
        await expect(apply(false)).rejects.toThrow(expect.objectContaining({ code: 'Conflict' }));
        const { written: other } = await make('others');
        const taken = resources.applyOwned(
          viewKey('all'),
          { fields: { spec: {} } },
          { ...options, owner: other, adopt: true },
        );
        await expect(taken).rejects.toThrow(expect.objectContaining({ code: 'Conflict' }));
        await expect(apply(true)).resolves.toMatchObject({ resource: { metadata: { uid: metadata.uid } } });
        await vi.waitFor(() => {
          const { ownerReferences, annotations } = present(viewKey('all')).metadata;
          expect(ownerReferences).toMatchObject([{ uid: options.owner.metadata.uid }]);
          expect(annotations ?? {}).not.toHaveProperty(['kplug.dev/retained-from']);
        });
      });

      it('is never a resource of another client', async () => {
        const { options } = await keeping();
        const manifest = { ...views, metadata: { name: 'theirs', namespace: namespace() }, spec: { rows: 7 } };
        await subject.apply(manifest);
        await vi.waitFor(() => present(viewKey('theirs')));
        const taken = subject.resources.applyOwned(viewKey('theirs'), { fields: { spec: {} } }, options);
        await expect(taken).rejects.toThrow(expect.objectContaining({ code: 'Conflict' }));
        await expect(subject.resources.removeOwned(viewKey('theirs'), options)).resolves.toBe('gone');
        expect(present(viewKey('theirs')).spec).toEqual({ rows: 7 });
      });
    });

    it('writes a status without a new generation, and never changes a resource in place', async () => {
      const { key, written, by } = await make('users');
      await expect(subject.resources.applyStatus(key, { rows: 1 }, by('kplug/a'))).resolves.toBe('written');
      await vi.waitFor(() => expect(present(key).status).toEqual({ rows: 1 }));
      expect(present(key).metadata.generation).toBe(1);
      expect(present(key).metadata.resourceVersion).not.toBe(written.metadata.resourceVersion);
      expect(written).not.toHaveProperty('status');
    });

    it('does nothing when a status stays the same', async () => {
      const { key, by } = await make('users');
      await subject.resources.applyStatus(key, { rows: 1, plugin: { name: 'a', version: '1' } }, by('kplug/a'));
      await vi.waitFor(() => expect(present(key).status).toHaveProperty('rows'));
      const received = changes.length;
      await expect(
        subject.resources.applyStatus(key, { plugin: { version: '1', name: 'a' }, rows: 1 }, by('kplug/a')),
      ).resolves.toBe('unchanged');
      expect(changes).toHaveLength(received);
    });

    it('removes fields that a manager no longer applies, and keeps those of others', async () => {
      const { key, by } = await make('users');
      const ready = { type: 'Ready', status: 'True' };
      const synced = { type: 'Synced', status: 'True' };
      await subject.resources.applyStatus(key, { rows: 1, plugin: { name: 'a' }, conditions: [ready] }, by('kplug/a'));
      await subject.resources.applyStatus(key, { plugin: { version: '1' }, conditions: [synced] }, by('kplug/b'));
      await vi.waitFor(() => {
        expect(present(key).status).toEqual({
          rows: 1,
          plugin: { name: 'a', version: '1' },
          conditions: [ready, synced],
        });
      });
      await subject.resources.applyStatus(key, { rows: 2 }, by('kplug/a'));
      await vi.waitFor(() => {
        expect(present(key).status).toEqual({ rows: 2, plugin: { version: '1' }, conditions: [synced] });
      });
    });

    it('merges on request, into the status of the same manager only', async () => {
      const { key, by } = await make('users');
      const merge = { ...by('kplug/a'), merge: true };
      await subject.resources.applyStatus(key, { rows: 1, plugin: { name: 'a' } }, by('kplug/a'));
      await subject.resources.applyStatus(key, { plugin: { version: '1' } }, by('kplug/b'));
      await subject.resources.applyStatus(key, { size: 2, rows: null }, merge);
      await vi.waitFor(() => {
        expect(present(key).status).toEqual({ size: 2, plugin: { name: 'a', version: '1' } });
      });
      await expect(subject.resources.applyStatus(key, { size: 2 }, merge)).resolves.toBe('unchanged');
      await subject.resources.applyStatus(key, {}, by('kplug/a'));
      await vi.waitFor(() => expect(present(key).status).toEqual({ plugin: { version: '1' } }));
    });

    it('keeps a resource that is deleted until its last finalizer is removed', async () => {
      const { key, by } = await make('users');
      await expect(subject.resources.addFinalizer(key, finalizer, by('kplug/a'))).resolves.toBe('written');
      await expect(subject.resources.addFinalizer(key, finalizer, by('kplug/a'))).resolves.toBe('unchanged');
      await subject.remove(manifest('users'));
      await vi.waitFor(() => expect(present(key).metadata.deletionTimestamp).toBeDefined());
      await expect(subject.resources.addFinalizer(key, 'example.org/late', by('kplug/a'))).resolves.toBe('unchanged');
      expect(present(key).metadata.finalizers).toEqual([finalizer]);

      await expect(subject.resources.removeFinalizer(key, finalizer, by('kplug/a'))).resolves.toBe('written');
      await vi.waitFor(() => expect(subject.resources.get(key)).toBeUndefined());
      expect(changes.at(-1)).toMatchObject({ gone: true, resource: { metadata: { name: 'users' } } });
      await expect(subject.resources.removeFinalizer(key, finalizer, by('kplug/a'))).resolves.toBe('gone');
    });

    it('leaves a resource alone that was created again under the same name', async () => {
      const { key, written, by } = await make('users');
      await subject.remove(manifest('users'));
      await vi.waitFor(() => expect(subject.resources.get(key)).toBeUndefined());
      const recreated = (await make('users')).written;
      expect(recreated.metadata.uid).not.toBe(written.metadata.uid);

      await expect(subject.resources.applyStatus(key, { rows: 1 }, by('kplug/a'))).resolves.toBe('gone');
      await expect(subject.resources.addFinalizer(key, finalizer, by('kplug/a'))).resolves.toBe('gone');
      expect(present(key)).toEqual(recreated);
    });

    it('aborts a write whose signal is aborted', async () => {
      const { key, written, by } = await make('users');
      const options = { ...by('kplug/a'), signal: AbortSignal.abort() };
      await expect(subject.resources.applyStatus(key, { rows: 1 }, options)).rejects.toThrow(/abort/);
      expect(present(key)).toBe(written);
    });

    it('keeps 64-bit integers exact in specs, statuses and dependents, and sees each change of one', async () => {
      const { key, written, by } = await make('users');
      const rows = 9223372036854775807n;
      await subject.apply(manifest('users', { rows, columns: 1 }));
      await vi.waitFor(() => expect(present(key).spec).toEqual({ rows, columns: 1 }));
      await subject.apply(manifest('users', { rows: rows - 1n, columns: 1 }));
      await vi.waitFor(() => expect(present(key).spec).toEqual({ rows: rows - 1n, columns: 1 }));
      expect(present(key).metadata.generation).toBe(3);

      const status = (last: bigint) => subject.resources.applyStatus(key, { rows, last }, by('kplug/a'));
      await expect(status(-rows)).resolves.toBe('written');
      await vi.waitFor(() => expect(present(key).status).toEqual({ rows, last: -rows }));
      await expect(status(-rows)).resolves.toBe('unchanged');
      await expect(status(-rows - 1n)).resolves.toBe('written');
      await vi.waitFor(() => expect(present(key).status).toEqual({ rows, last: -rows - 1n }));

      await subject.resources.follow({ ...tables, kind: 'View' }, () => undefined);
      const viewKey = `example.org/v1/View/${namespace()}/large`;
      const options = { owner: written, fieldManager: 'kplug/a' };
      const view = async (size: bigint) =>
        (await subject.resources.applyOwned(viewKey, { fields: { spec: { size } } }, options)).result;
      await expect(view(rows)).resolves.toBe('written');
      await vi.waitFor(() => expect(present(viewKey).spec).toEqual({ size: rows }));
      await expect(view(rows)).resolves.toBe('unchanged');
      await expect(view(rows - 1n)).resolves.toBe('written');
      await vi.waitFor(() => expect(present(viewKey).spec).toEqual({ size: rows - 1n }));
    });

    it('rejects a status with keys that could change a prototype', async () => {
      const { key, written, by } = await make('users');
      const status = JSON.parse('{"plugin": {"__proto__": {"polluted": true}}}');
      await expect(subject.resources.applyStatus(key, status, by('kplug/a'))).rejects.toThrow(
        'status.plugin.__proto__',
      );
      expect(present(key)).toBe(written);
    });

    it('neither writes nor announces anything once it is closed', async () => {
      const { key, by } = await make('users');
      await subject.resources.close();
      const received = changes.length;
      await expect(subject.resources.applyStatus(key, { rows: 1 }, by('kplug/a'))).rejects.toThrow(
        expect.objectContaining({ code: 'Stopped' }),
      );
      await expect(subject.resources.follow(tables, () => undefined)).rejects.toThrow(
        expect.objectContaining({ code: 'Stopped' }),
      );
      expect(changes).toHaveLength(received);
    });
  });
}
