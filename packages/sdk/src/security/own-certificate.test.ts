import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createOwnCertificate } from './own-certificate.ts';

it('makes a self-signed certificate with a P-256 key for ten years', async () => {
  const { certificate, key } = await createOwnCertificate('db-1, "a"\n+O=x');
  const read = new X509Certificate(certificate);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(read.toLegacyObject().subject).toEqual({ CN: 'db-1___a___O_x' });
  expect(read.ca).toBe(false);
  expect(read.validToDate.getFullYear() - new Date().getFullYear()).toBeGreaterThanOrEqual(9);
  expect(read.validFromDate.getTime()).toBeLessThan(Date.now() - 3_600_000);
  expect(String(key)).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  const other = await createOwnCertificate('db-1');
  expect(other.key.equals(key)).toBe(false);
});

it.each([
  ['a'.repeat(128), 'a'.repeat(64)],
  ['#zz', '_zz'],
  ['', 'plugin'],
])('accepts the id "%s"', async (id, name) => {
  const { certificate } = await createOwnCertificate(id);
  expect(new X509Certificate(certificate).toLegacyObject().subject).toEqual({ CN: name });
});

it('is not needed, and its library not loaded, on the loopback interface', async () => {
  const program = `
    import { definePlugin } from '@kplug/sdk';
    const definition = { name: 'Plain', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => undefined };
    const plugin = await definePlugin(definition).serve({ controller: '127.0.0.1:1', logLevel: 'silent' });
    console.log(typeof Reflect.getMetadata);
    await plugin.stop();
  `;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { cwd });
  expect(stdout.trim()).toBe('undefined');
});
