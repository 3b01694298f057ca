import { describe, expect, it } from 'vitest';
import { admitAll } from './admission.ts';
import { acceptedVersions, explainMissing, resolveCapability } from './capability.ts';
import { explainSelection } from './explain.ts';
import { parseRange } from './preference.ts';
import { type SelectionRules, select } from './select.ts';
import { candidateOf } from './testing.ts';

const postgresql = { category: 'database', type: 'postgresql', versions: ['14', '17', '16', '15'] };
const mariadb = { category: 'database', type: 'mariadb', versions: ['10.11', '11.4'] };
const wanted = (version: string, type = 'postgresql', category = 'database') => ({ category, type, version });

describe('the accepted versions', () => {
  it.each([
    ['', ['17', '16', '15', '14']],
    ['15', ['15']],
    ['18', []],
    ['>=15 <17', ['16', '15']],
    ['^16', ['16']],
    ['none', []],
  ])('for "%s" are %j', (version, expected) => {
    expect(acceptedVersions(postgresql, wanted(version))).toEqual(expected);
  });

  it('compare category and type without regard to case', () => {
    expect(acceptedVersions(postgresql, wanted('17', 'PostgreSQL', 'Database'))).toEqual(['17']);
    expect(acceptedVersions(postgresql, wanted('17', 'postgres'))).toEqual([]);
  });

  it('are ordered by their numbers', () => {
    expect(acceptedVersions(mariadb, wanted('', 'mariadb'))).toEqual(['11.4', '10.11']);
    expect(acceptedVersions(mariadb, wanted('10', 'mariadb'))).toEqual(['10.11']);
    const others = { category: 'a', type: 'b', versions: ['jammy', 'focal', '2'] };
    expect(acceptedVersions(others, wanted('', 'b', 'a'))).toEqual(['2', 'jammy', 'focal']);
    expect(acceptedVersions(others, wanted('focal', 'b', 'a'))).toEqual(['focal']);
  });
});

describe('the version that a resource gets', () => {
  const resolve = (version: string, held?: string) =>
    resolveCapability(
      [mariadb, postgresql],
      wanted(version),
      held === undefined ? undefined : { ...wanted(''), version: held },
    )?.version;

  it('is the newest one at first, and stays while it is provided and accepted', () => {
    expect(resolve('')).toBe('17');
    expect(resolve('', '15')).toBe('15');
    expect(resolve('>=14', '15')).toBe('15');
    expect(resolve('>=16', '15')).toBe('17');
    expect(resolve('', '13')).toBe('17');
    expect(resolve('14', '15')).toBe('14');
    expect(resolve('18', '15')).toBeUndefined();
  });
});

describe('the explanation of a missing capability', () => {
  const offers = [
    { plugin: 'KubeDB 0.9', offers: [postgresql] },
    { plugin: 'Maria 1.0', offers: [mariadb, { category: 'messaging', type: 'nats', versions: ['2'] }] },
  ];

  it.each([
    [wanted('18'), "postgresql 18 isn't provided; postgresql 14 to 17 are, by KubeDB 0.9"],
    [wanted('9', 'mariadb'), "mariadb 9 isn't provided; mariadb 10.11 and 11.4 are, by Maria 1.0"],
    [wanted('', 'redis'), "redis isn't provided; the category database has postgresql and mariadb"],
    [wanted('', 'x', 'cache'), "x isn't provided; no plugin provides the category cache, but database and messaging"],
  ])('for %j is: %s', (capability, expected) => {
    expect(explainMissing(capability, offers)).toBe(expected);
  });

  it('says so if nothing is provided', () => {
    expect(explainMissing(wanted('17'), [])).toBe("postgresql 17 isn't provided; no plugin provides any capability");
  });
});

describe('a selection by capability', () => {
  const rules: SelectionRules = {
    apiRange: parseRange('*', 'Capability'),
    admission: admitAll,
    capabilities: {},
    fallback: 'any',
    mode: 'one',
  };
  const old = candidateOf('Old', { provides: [{ ...postgresql, versions: ['14'] }] });
  const current = candidateOf('New', { provides: [postgresql, mariadb] });
  const choose = (version: string, candidates = [old, current], type = 'postgresql') =>
    select(candidates, rules, { preference: undefined, present: [], capability: wanted(version, type) });

  it('chooses only plugins that provide it', () => {
    expect(choose('17').chosen).toEqual([current]);
    expect(choose('10.11', [old, current], 'mariadb').chosen).toEqual([current]);
    expect(choose('17').verdicts.map(({ reason }) => reason)).toEqual(['CapabilityNotProvided', 'Chosen']);
  });

  it('explains what is missing, and what is provided', () => {
    const selection = choose('18');
    expect(selection).toMatchObject({ chosen: [], reason: 'CapabilityUnavailable' });
    const request = { preference: undefined, present: [], capability: wanted('18') };
    expect(explainSelection(selection, rules, request)).toBe(
      "postgresql 18 isn't provided; postgresql 14 is, by Old 1.0.0; postgresql 14 to 17 are, by New 1.0.0",
    );
  });

  it('waits for a plugin that provides it and has no callable instance', () => {
    const draining = candidateOf('New', { provides: [postgresql], state: 'draining' });
    expect(choose('17', [old, draining])).toMatchObject({ chosen: [], reason: 'NoPlugin' });
  });
});
