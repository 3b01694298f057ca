import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAdminAccess } from './read-admin-access.ts';

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let file: string;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-access-'));
  file = join(folder.path, 'token');
  await writeFile(file, 'secret\n');
});

afterAll(() => folder?.remove());

const manifests = '.';

it('reads a token and a CA for an admin port of another machine', async () => {
  const admin = 'https://kplug-admin.system.svc:8082';
  expect(await readAdminAccess({ manifests, admin })).toEqual({});
  expect(await readAdminAccess({ manifests, admin, adminTokenFile: file, adminCa: file })).toEqual({
    headers: { authorization: 'Bearer secret' },
    tls: { ca: 'secret\n' },
  });
});

// Otherwise everybody on the way reads the token.
it('sends no token in plain text', async () => {
  for (const admin of ['kplug-admin.system.svc:8082', 'http://kplug-admin.system.svc:8082']) {
    await expect(readAdminAccess({ manifests, admin, adminTokenFile: file })).rejects.toThrow(
      `--admin-token-file is sent by TLS only, and --admin ${admin} is not an https:// URL`,
    );
  }
});

it('names an unreadable file with its option', async () => {
  const admin = 'https://localhost:8082';
  await expect(readAdminAccess({ manifests, admin, adminCa: '/nowhere/ca.crt' })).rejects.toThrow(
    "the file of --admin-ca can't be read: ENOENT",
  );
});
