import { Range } from 'semver';
import { describe, expect, it } from 'vitest';
import { admissionOf, admitAll } from './admission.ts';
import type { Candidate } from './candidate.ts';
import { explainSelection, explainVerdict } from './explain.ts';
import { parsePattern } from './preference.ts';
import { type SelectionRules, select } from './select.ts';
import { candidateOf } from './testing.ts';

const rules: SelectionRules = {
  apiRange: new Range('^1.0.0'),
  admission: admitAll,
  capabilities: {},
  fallback: 'any',
  mode: 'one',
};

function explain(candidates: Candidate[], prefer?: string, given: Partial<SelectionRules> = {}): string {
  const request = { preference: prefer === undefined ? undefined : parsePattern(prefer), present: [] };
  const all = { ...rules, ...given };
  return explainSelection(select(candidates, all, request), all, request);
}

describe('explainSelection', () => {
  const postgres = candidateOf('PostgreSQL');

  it.each([
    [[postgres], 'postgresql', {}, 'PostgreSQL 1.0.0 is preferred by the resource'],
    [[postgres], undefined, {}, 'PostgreSQL 1.0.0 was chosen; the resource prefers no implementation'],
    [[postgres], 'MariaDB', {}, 'PostgreSQL 1.0.0 is the fallback for MariaDB: no such plugin is registered'],
    [
      [postgres, candidateOf('MariaDB', { state: 'suspect' })],
      'MariaDB',
      {},
      "PostgreSQL 1.0.0 is the fallback for MariaDB: it can't be reached",
    ],
    [
      [postgres, candidateOf('MariaDB', { version: '2.0.0' })],
      'MariaDB@^1',
      { fallback: [parsePattern('PostgreSQL')] },
      'PostgreSQL 1.0.0 is the fallback for MariaDB@^1: only version 2.0.0 is registered',
    ],
    [
      [candidateOf('MariaDB', { version: '1.3.0-rc.1' })],
      'MariaDB@^1',
      {},
      'MariaDB 1.3.0-rc.1 is the fallback for MariaDB@^1: only version 1.3.0-rc.1 is registered, and ^1 accepts no prereleases',
    ],
    [
      [candidateOf('MariaDB', { version: '1.3.0-rc.1' }), candidateOf('MariaDB', { version: '2.0.0' })],
      'MariaDB@^3',
      {},
      'MariaDB 2.0.0 is the fallback for MariaDB@^3: only version 1.3.0-rc.1, 2.0.0 is registered',
    ],
    [
      [candidateOf('MariaDB', { version: '1.3.0-rc.1', state: 'suspect' }), postgres],
      'MariaDB@^1',
      {},
      'PostgreSQL 1.0.0 is the fallback for MariaDB@^1: only version 1.3.0-rc.1 is registered, and ^1 accepts no prereleases',
    ],
    [
      [postgres, candidateOf('MariaDB', { api: '2.0.0' })],
      'MariaDB',
      {},
      'PostgreSQL 1.0.0 is the fallback for MariaDB: MariaDB 1.0.0: implements API version 2.0.0; the delegation accepts ^1.0.0',
    ],
    [
      [postgres],
      'MariaDB',
      { fallback: 'none' as const },
      'waiting for MariaDB: no such plugin is registered, and the fallback allows no other',
    ],
    [[], 'MariaDB', {}, 'waiting for MariaDB with API version ^1.0.0: none is registered'],
    [
      [candidateOf('MariaDB', { api: '2.0.0' })],
      undefined,
      {},
      'waiting for a plugin with API version ^1.0.0: MariaDB 1.0.0: implements API version 2.0.0; the delegation accepts ^1.0.0',
    ],
  ])('states the choice and the reason (%#)', (candidates, prefer, given, sentence) => {
    expect(explain(candidates, prefer, given)).toBe(sentence);
  });
});

describe('explainVerdict', () => {
  it('names the identity that the delegation does not admit, and those that it admits', () => {
    const strict = { ...rules, admission: admissionOf([{ namespace: 'databases' }]) };
    const request = { preference: undefined, present: [] };
    const [verdict] = select([candidateOf('Thief', { owner: 'token:thief' })], strict, request).verdicts;
    expect(verdict && explainVerdict(verdict, strict, request)).toBe(
      'token:thief may not serve this API; the delegation admits ServiceAccounts of namespace databases',
    );
  });

  it('names missing capabilities and the reason why no instance is reachable', () => {
    const demanding = { ...rules, capabilities: { partitioning: 'hash', backup: 'yes' } };
    const request = { preference: undefined, present: [] };
    const poor = candidateOf('Poor', { capabilities: { backup: 'yes' } });
    const [verdict] = select([poor], demanding, request).verdicts;
    expect(verdict && explainVerdict(verdict, demanding, request)).toContain('partitioning=hash');
    const [lost] = select([candidateOf('Lost', { state: 'suspect' })], rules, request).verdicts;
    expect(lost && explainVerdict(lost, rules, request)).toContain('as the test says');
  });
});
