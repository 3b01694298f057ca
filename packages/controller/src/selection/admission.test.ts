import { describe, expect, it } from 'vitest';
import { PluginName } from '../names.ts';
import { admissionOf, defaultAdmission, type PluginSource } from './admission.ts';

const postgres = (...owners: string[]) => ({ plugin: new PluginName('PostgreSQL'), owners });

describe('the default admission', () => {
  it.each([
    ['serviceaccount:kplug-system/postgresql', true],
    ['serviceaccount:strangers/postgresql', false],
    ['serviceaccount:kplug-system-2/postgresql', false],
    ['token:ci', true],
    ['declaration:databases/postgresql', true],
    ['oidc:https://issuer.example.org#someone', false],
    ['certificate:spiffe://example.org/ns/kplug-system/sa/postgresql', false],
    ['local', true],
  ])('of an operator in kplug-system judges %s: %s', (owner, expected) => {
    expect(defaultAdmission('kplug-system').admits(postgres(owner))).toBe(expected);
  });

  it('admits no ServiceAccount outside of a cluster', () => {
    expect(defaultAdmission('').admits(postgres('serviceaccount:default/postgresql'))).toBe(false);
    expect(defaultAdmission('').admits(postgres('token:ci'))).toBe(true);
  });
});

describe('the admission of listed sources', () => {
  it.each<[PluginSource, string, boolean]>([
    [{ namespace: 'databases' }, 'serviceaccount:databases/anything', true],
    [{ namespace: 'databases' }, 'declaration:databases/anything', true],
    [{ namespace: 'databases' }, 'serviceaccount:other/anything', false],
    [{ namespace: 'databases', serviceAccounts: ['postgresql'] }, 'serviceaccount:databases/postgresql', true],
    [{ namespace: 'databases', serviceAccounts: ['postgresql'] }, 'serviceaccount:databases/other', false],
    [{ namespace: 'databases', serviceAccounts: ['postgresql'] }, 'declaration:databases/postgresql', false],
    [{ namespace: 'databases', names: ['postgresql'] }, 'serviceaccount:databases/other', true],
    [{ namespace: 'databases', names: ['MariaDB'] }, 'serviceaccount:databases/other', false],
    [{ identities: ['certificate:spiffe://example.org/ns/*'] }, 'certificate:spiffe://example.org/ns/db/sa/pg', true],
    [{ identities: ['certificate:spiffe://example.org/ns/*'] }, 'certificate:spiffe://exampleXorg/ns/db', false],
    [{ identities: ['token:ci'] }, 'token:ci\n', false],
    [{ identities: ['token:ci'] }, 'serviceaccount:databases/postgresql', false],
    [{ names: ['PostgreSQL'] }, 'oidc:https://issuer.example.org#someone', true],
    [{ identities: [] }, 'token:ci', false],
    [{ identities: [] }, 'local', true],
  ])('judges %o for %s: %s', (source, owner, expected) => {
    expect(admissionOf([source]).admits(postgres(owner))).toBe(expected);
  });

  it('requires it of every owner of a plugin', () => {
    const rule = admissionOf([{ namespace: 'databases' }]);
    const mixed = postgres('serviceaccount:databases/postgresql', 'serviceaccount:other/thief');
    expect(rule.admits(mixed)).toBe(false);
  });

  it('is described for people', () => {
    const sources = [
      { namespace: 'databases', serviceAccounts: ['pg', 'my'], names: ['PostgreSQL'] },
      { identities: ['token:*'] },
    ];
    expect(admissionOf(sources).text).toBe(
      'ServiceAccounts pg, my of namespace databases, as PostgreSQL; identities token:*',
    );
  });
});
