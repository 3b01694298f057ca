import { expect, it } from 'vitest';
import { type Identity, ownerOf, processOf, readOwner } from './identity.ts';

const pod = { name: 'postgresql-1', uid: 'uid-1' };

it.each<[Identity, string, string | undefined]>([
  [{ kind: 'serviceaccount', namespace: 'db', name: 'pg' }, 'serviceaccount:db/pg', undefined],
  [{ kind: 'serviceaccount', namespace: 'db', name: 'pg', pod }, 'serviceaccount:db/pg', 'pod:uid-1'],
  [{ kind: 'token', name: 'ci', plugins: [] }, 'token:ci', undefined],
  [
    { kind: 'oidc', issuer: 'https://issuer.example.org', subject: 'repo:a/b' },
    'oidc:https://issuer.example.org#repo:a/b',
    undefined,
  ],
  [{ kind: 'certificate', name: 'spiffe://example.org/pg' }, 'certificate:spiffe://example.org/pg', undefined],
  [{ kind: 'declaration', namespace: 'db', name: 'pg' }, 'declaration:db/pg', undefined],
  [{ kind: 'loopback' }, 'local', undefined],
  [{ kind: 'anonymous' }, 'anonymous', undefined],
])('writes and reads the owner of %o', (identity, owner, process) => {
  expect(ownerOf(identity)).toBe(owner);
  expect(processOf(identity)).toBe(process);
  expect(readOwner(owner, 'pod' in identity ? identity.pod : undefined)).toEqual(identity);
});

it('tells the processes of the plugins folder apart', () => {
  expect(ownerOf({ kind: 'folder', name: 'folder/pg/1' })).toBe('local');
  expect(processOf({ kind: 'folder', name: 'folder/pg/1' })).toBe('folder:folder/pg/1');
});

it.each(['', 'somebody', 'root:x', '__proto__:x'])('reads no owner of "%s"', (text) => {
  expect(readOwner(text)).toBeUndefined();
});
