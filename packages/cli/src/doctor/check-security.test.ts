import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CertificateIssuer,
  CertificateUse,
  type GetSecurityResponse,
  GetSecurityResponseSchema,
  HeartbeatSecurity,
  PluginInstanceSchema,
  RefusalReason,
  RefusedPluginSchema,
} from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import type { Answer } from './answer.ts';
import { checkSecurity } from './check-security.ts';
import type { OperatorView } from './operator-view.ts';

const page = { value: { status: 200, text: '', clock: undefined } };
const now = Date.UTC(2026, 0, 1);
const day = 86_400_000;

const secured = { heartbeatSecurity: HeartbeatSecurity.SECURED, identitySources: ['tokens of ServiceAccounts'] };

function found(security: Answer<GetSecurityResponse | undefined>, more: Partial<OperatorView> = {}): string[] {
  const view: OperatorView = {
    place: { url: 'http://localhost:8082', origin: 'as named', namespace: 'default' },
    delegations: { value: [] },
    resources: { value: [] },
    instances: { value: [] },
    hosted: { value: undefined },
    refusals: { value: undefined },
    security,
    readiness: page,
    metrics: page,
    ...more,
  };
  return checkSecurity(view, { manifests: '.' }, now).map(
    ({ check, outcome, message }) => `${check} ${outcome}: ${message}`,
  );
}

const of = (fields: Parameters<typeof create<typeof GetSecurityResponseSchema>>[1], more?: Partial<OperatorView>) =>
  found({ value: create(GetSecurityResponseSchema, { heartbeatAddress: '[::]:50050', ...fields }) }, more);

describe('the security of an operator', () => {
  it('is unknown for one of an older version, and not tried without an answer', () => {
    expect(found({ value: undefined })).toEqual([]);
    expect(found({ failure: 'no answer', isForbidden: false })).toEqual([
      'HeartbeatsSecured notTried: security: no answer',
    ]);
  });

  it('is fine on the loopback interface, and with TLS and identities', () => {
    expect(of({ heartbeatSecurity: HeartbeatSecurity.LOOPBACK })).toEqual([
      "HeartbeatsSecured ok: the heartbeat port [::]:50050 is reached by processes of the operator's machine only",
    ]);
    expect(of(secured)).toEqual([
      'HeartbeatsSecured ok: the heartbeat port [::]:50050 takes TLS only, and plugins prove their identities by tokens of ServiceAccounts',
    ]);
  });

  it('is reported with --insecure and --allow-insecure-plugins', () => {
    expect(of({ heartbeatSecurity: HeartbeatSecurity.INSECURE, allowsFirstKplug: true })).toEqual([
      'HeartbeatsSecured warning: the heartbeat port [::]:50050 accepts plugins without TLS and without an identity (--insecure)',
      'FirstKplugAllowed warning: plugins of the first Kplug are accepted, without TLS and without an identity (--allow-insecure-plugins)',
    ]);
  });
});

describe('certificates', () => {
  const certificate = (from: number, until: number, issuer: CertificateIssuer = CertificateIssuer.CONTROLLER) => {
    const [notBefore, notAfter] = [timestampFromMs(now + from), timestampFromMs(now + until)];
    return { certificates: [{ use: CertificateUse.SERVER, notBefore, notAfter, issuer }], ...secured };
  };

  it.each([
    ['in its first two thirds', -10 * day, 20 * day],
    ['that is about to be renewed', -20 * day, 10 * day],
    ['of an hour that is about to be renewed', (-3 * day) / 108, day / 72],
  ])('one %s is fine', (_, from, until) => {
    expect(of(certificate(from, until)).slice(1)).toEqual([]);
  });

  it('one that was not renewed in time, and one that expired, are reported', () => {
    expect(of(certificate(-28 * day, 2 * day)).slice(1)).toEqual([
      'CertificatesValid warning: the certificate of the heartbeat port expires in 2d and was not renewed in time',
    ]);
    expect(of(certificate(-30 * day, -1, CertificateIssuer.EXTERNAL)).slice(1)).toEqual([
      'CertificatesValid problem: the certificate of the heartbeat port has expired, so no plugin can be reached',
    ]);
  });
});

describe('plugins', () => {
  const instance = (plugin: string, encrypted: boolean, identity: string) =>
    create(PluginInstanceSchema, {
      registration: { plugin, version: '1.0.0', address: '10.0.0.1:7000' },
      protocol: 'kplug.v1',
      ...{ encrypted, identity },
    });
  const instances = {
    value: [
      instance('Safe', true, 'serviceaccount:a/b'),
      instance('Hosted', false, 'local'),
      instance('Plain', false, 'declaration:a/b'),
    ],
  };

  it('that are called in plain text over a network are reported', () => {
    expect(of(secured, { instances }).slice(1)).toEqual([
      'PluginsEncrypted warning: Plain 1.0.0 at 10.0.0.1:7000 is called in plain text',
    ]);
    expect(of({ heartbeatSecurity: HeartbeatSecurity.LOOPBACK }, { instances })).toHaveLength(1);
  });

  it('that were refused a name whose owner is gone are reported', () => {
    const nameOwners = [
      { plugin: 'sqlite', owner: 'serviceaccount:a/sqlite', instances: 0, until: timestampFromMs(now + 1_800_000) },
      { plugin: 'mariadb', owner: 'serviceaccount:a/mariadb', instances: 1 },
      { plugin: 'idle', owner: 'token:ci', instances: 0, until: timestampFromMs(now + 1_800_000) },
    ];
    const refused = ['SQLite', 'MariaDB'].map((plugin) =>
      create(RefusedPluginSchema, { plugin, reason: RefusalReason.NAME_TAKEN }),
    );
    expect(of({ ...secured, nameOwners }, { refusals: { value: refused } }).slice(1)).toEqual([
      'NamesAvailable warning: the name sqlite belongs to serviceaccount:a/sqlite, which is gone, for another 30m; another identity was refused it',
    ]);
  });
});
