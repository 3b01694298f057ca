import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readSettings, type ServeOptions } from './environment.ts';
import { readSecurity, readTokenFile } from './security/security-settings.ts';

const remote = 'kplug.kplug-system.svc:50050';

function read(env: Record<string, string>, options: ServeOptions = {}) {
  return readSettings(options, env);
}

describe('security', () => {
  it.each(['localhost:50050', 'LOCALHOST:1', '127.0.0.1:50050', '127.9.9.9:1', '[::1]:50050'])(
    'is plain text for an operator on the loopback interface, %s',
    (controller) => {
      expect(read({ KPLUG_CONTROLLER: controller }).security).toEqual({ kind: 'plain' });
    },
  );

  it.each([
    remote,
    '10.0.0.1:50050',
    '[::]:50050',
    'localhost.example.org:50050',
    '127.0.0.1.example.org:50050',
    'dns:///operator:50050',
  ])('needs a CA bundle for the operator %s', (controller) => {
    expect(() => read({ KPLUG_CONTROLLER: controller })).toThrow(
      expect.objectContaining({
        code: 'InvalidDefinition',
        message: expect.stringMatching(/set KPLUG_TLS_CA .* or set KPLUG_INSECURE=true/),
      }),
    );
  });

  it.each([
    [remote, 'kplug.kplug-system.svc'],
    ['localhost:50050', 'localhost'],
    ['[fd00::1]:50050', 'fd00::1'],
    ['dns:///operator:50050', 'operator'],
  ])('is TLS with a CA bundle; %s has the name %s', (controller, serverName) => {
    expect(read({ KPLUG_CONTROLLER: controller, KPLUG_TLS_CA: '/ca.crt' }).security).toEqual({
      kind: 'tls',
      tls: { ca: '/ca.crt', serverName },
    });
  });

  it('has an issued certificate and another name', () => {
    const env = { KPLUG_TLS_CA: '/ca.crt', KPLUG_TLS_CERT: '/tls.crt', KPLUG_TLS_KEY: '/tls.key' };
    const files = { certificate: '/tls.crt', key: '/tls.key' };
    const expected = { kind: 'tls', tls: { ca: '/ca.crt', files, serverName: 'kplug' } };
    expect(read({ ...env, KPLUG_CONTROLLER: remote, KPLUG_TLS_SERVER_NAME: 'kplug' }).security).toEqual(expected);
    const options = { tlsCa: '/ca.crt', tlsCert: '/tls.crt', tlsKey: '/tls.key', tlsServerName: 'kplug' };
    expect(read({ KPLUG_TLS_CA: '/other' }, options).security).toEqual(expected);
  });

  it('is plain text with a warning where that is asked for, even with a CA bundle', () => {
    const expected = { kind: 'plain', warning: expect.stringMatching(/^KPLUG_INSECURE is set: .*neither encrypted/) };
    expect(read({ KPLUG_CONTROLLER: remote, KPLUG_INSECURE: 'true' }).security).toEqual(expected);
    expect(read({ KPLUG_CONTROLLER: remote, KPLUG_TLS_CA: '/ca.crt' }, { insecure: true }).security).toEqual(expected);
    expect(() => read({ KPLUG_CONTROLLER: remote, KPLUG_INSECURE: 'false' })).toThrow(/KPLUG_TLS_CA/);
  });

  it('is plain text for the first Kplug, with a warning if it is remote', () => {
    const env = { KPLUG_PROTOCOL: 'kplug' };
    expect(read(env).security).toEqual({ kind: 'plain' });
    const warning = expect.stringMatching(/^the first Kplug has no TLS/);
    expect(read({ ...env, KPLUG_CONTROLLER: remote }).security).toEqual({ kind: 'plain', warning });
    expect(() => read({ ...env, KPLUG_TLS_CA: '/ca.crt' })).toThrow(/first Kplug has no TLS; unset KPLUG_TLS_\*/);
  });

  it('of a plugin without heartbeats needs an issued certificate, or a loopback address to listen on', () => {
    const env = { KPLUG_CONTROLLER: 'none' };
    expect(() => read(env)).toThrow(/the plugin sends no heartbeats, and calls need TLS: set KPLUG_TLS_CA/);
    expect(() => read({ ...env, KPLUG_TLS_CA: '/ca.crt' })).toThrow(/KPLUG_TLS_CERT and KPLUG_TLS_KEY/);
    expect(read({ ...env, KPLUG_BIND_ADDRESS: '127.0.0.1:7000' }).security).toEqual({ kind: 'plain' });
    const files = { KPLUG_TLS_CA: '/ca.crt', KPLUG_TLS_CERT: '/tls.crt', KPLUG_TLS_KEY: '/tls.key' };
    expect(read({ ...env, ...files })).toMatchObject({ security: { kind: 'tls' }, bindAddress: '[::]:7000' });
  });

  it.each([
    [{ KPLUG_TLS_CERT: '/tls.crt' }, 'set both KPLUG_TLS_CERT and KPLUG_TLS_KEY'],
    [{ KPLUG_TLS_KEY: '/tls.key', KPLUG_TLS_CA: '/ca.crt' }, 'set both KPLUG_TLS_CERT and KPLUG_TLS_KEY'],
    [{ KPLUG_TLS_CERT: '/tls.crt', KPLUG_TLS_KEY: '/tls.key' }, 'set KPLUG_TLS_CA'],
    [{ KPLUG_TLS_SERVER_NAME: 'kplug' }, 'set KPLUG_TLS_CA'],
    [{ KPLUG_INSECURE: 'yes' }, 'KPLUG_INSECURE is "yes"; it must be true or false'],
    [{ KPLUG_TOKEN: 'a', KPLUG_TOKEN_FILE: '/token' }, 'set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both'],
    [{ KPLUG_TOKEN: 'a\nb' }, 'KPLUG_TOKEN must have visible ASCII characters only'],
    [{ KPLUG_BIND_ADDRESS: '0.0.0.0:7000' }, 'would accept calls on 0.0.0.0:7000 from other machines without TLS'],
  ])('refuses %o', (env, message) => {
    expect(() => read(env)).toThrow(
      expect.objectContaining({ code: 'InvalidDefinition', message: expect.stringContaining(message) }),
    );
  });
});

describe('the folder that a pod mounts', () => {
  const given = { protocol: 'kplug.v1', controller: remote };
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kplug-secrets-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
  });

  it('has the CA bundle, which may appear later, and the token if there is one', () => {
    const ca = join(folder, 'ca.crt');
    expect(readSecurity(given, folder)).toMatchObject({ kind: 'tls', tls: { ca } });
    expect(readSecurity({ ...given, controller: 'localhost:1' }, folder)).toMatchObject({ kind: 'tls', tls: { ca } });
    expect(readTokenFile(given, folder)).toBeUndefined();
    writeFileSync(join(folder, 'token'), 'a');
    expect(readTokenFile(given, folder)).toBe(join(folder, 'token'));
  });

  it('is not used where settings say otherwise', () => {
    writeFileSync(join(folder, 'token'), 'a');
    expect(readSecurity({ ...given, tlsCa: '/ca.crt' }, folder)).toMatchObject({ tls: { ca: '/ca.crt' } });
    expect(readTokenFile({ ...given, tokenFile: '/token' }, folder)).toBe('/token');
    expect(readTokenFile({ ...given, token: 'own' }, folder)).toBeUndefined();
    expect(readSecurity({ ...given, insecure: true }, folder)).toMatchObject({ kind: 'plain' });
  });

  it('is not used by a plugin that the operator starts itself', () => {
    expect(readSecurity({ ...given, controller: '127.0.0.1:1', token: 'own' }, folder)).toEqual({ kind: 'plain' });
    expect(readSecurity({ ...given, token: 'own' }, folder)).toMatchObject({ kind: 'tls' });
  });
});

describe('token', () => {
  it('given as an option takes precedence over both variables', () => {
    const settings = read({ KPLUG_TOKEN_FILE: '/token' }, { token: 'own' });
    expect(settings.token).toBe('own');
    expect(settings.tokenFile).toBeUndefined();
    expect(read({ KPLUG_TOKEN: 'own' }, { tokenFile: '/token' })).toMatchObject({ tokenFile: '/token' });
  });
});

describe('bind address', () => {
  const plain = { KPLUG_INSECURE: 'true' };

  it.each([
    ['localhost:1', {}, 'localhost:0'],
    ['127.0.0.5:1', {}, '127.0.0.1:0'],
    ['[::1]:1', {}, '[::1]:0'],
    [remote, plain, '[::]:0'],
    ['none', plain, '[::]:7000'],
    // A port alone keeps the interface, so that it opens no port to other machines.
    ['localhost:1', { KPLUG_BIND_ADDRESS: ':7000' }, 'localhost:7000'],
    [remote, { ...plain, KPLUG_BIND_ADDRESS: ':50051' }, '[::]:50051'],
    ['none', { ...plain, KPLUG_BIND_ADDRESS: ':7001' }, '[::]:7001'],
    ['localhost:1', { ...plain, KPLUG_BIND_ADDRESS: '0.0.0.0:7000' }, '0.0.0.0:7000'],
  ])('for the operator %s and %o is %s', (controller, env, expected) => {
    expect(read({ KPLUG_CONTROLLER: controller, ...env }).bindAddress).toBe(expected);
  });
});
