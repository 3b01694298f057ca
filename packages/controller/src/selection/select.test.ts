import fc from 'fast-check';
import { Range } from 'semver';
import { describe, expect, it } from 'vitest';
import { formatPlugin, PluginName } from '../names.ts';
import { admissionOf, admitAll } from './admission.ts';
import type { Candidate, PresentChoice } from './candidate.ts';
import { parsePattern } from './preference.ts';
import { type SelectionRules, type Suspensions, select } from './select.ts';
import { candidateOf } from './testing.ts';

const rules: SelectionRules = {
  apiRange: new Range('^1.0.0'),
  admission: admitAll,
  capabilities: {},
  fallback: 'any',
  mode: 'one',
};

function choose(
  candidates: Candidate[],
  given: Partial<SelectionRules> & { prefer?: string; present?: PresentChoice[]; suspensions?: Suspensions } = {},
) {
  const { prefer, present = [], suspensions, ...rest } = given;
  const selection = select(
    candidates,
    { ...rules, ...rest },
    {
      preference: prefer === undefined ? undefined : parsePattern(prefer),
      present,
      suspensions,
    },
  );
  return {
    chosen: selection.chosen.map(({ plugin, version }) => `${plugin} ${version}`),
    reason: selection.reason,
    verdicts: Object.fromEntries(
      selection.verdicts.map(({ candidate, reason }) => [`${candidate.plugin} ${candidate.version}`, reason]),
    ),
  };
}

/** Suspends plugins in versions such as `MariaDB 1.0.0`. */
function suspend(names: string[], fallback = false): Suspensions {
  return { fallback, explain: (one) => (names.includes(formatPlugin(one)) ? 'it has been suspended' : undefined) };
}

const postgres = candidateOf('PostgreSQL');
const maria = candidateOf('MariaDB');
const sqlite = candidateOf('SQLite');

describe('select', () => {
  it('never takes a plugin that the delegation does not admit, even as the preferred or only one', () => {
    const thief = candidateOf('PostgreSQL', { owner: 'serviceaccount:strangers/thief', weight: 1_000 });
    const admission = admissionOf([{ namespace: 'databases' }]);
    expect(choose([thief, maria], { admission, prefer: 'PostgreSQL' })).toMatchObject({
      chosen: ['MariaDB 1.0.0'],
      verdicts: { 'PostgreSQL 1.0.0': 'NotAdmitted' },
    });
    expect(choose([thief], { admission })).toMatchObject({ chosen: [], reason: 'NoPlugin' });
  });

  it('caps weights where owners differ, so that nobody draws resources by a claim', () => {
    const heavy = (owner: string) => candidateOf('SQLite', { owner, weight: 1_000 });
    expect(choose([maria, heavy('token:other')]).verdicts).toEqual({
      'MariaDB 1.0.0': 'Chosen',
      'SQLite 1.0.0': 'LaterName',
    });
    expect(choose([maria, heavy('local')]).chosen).toEqual(['SQLite 1.0.0']);
    const light = candidateOf('SQLite', { owner: 'token:other', weight: 7 });
    expect(choose([light, candidateOf('Zebra')]).chosen).toEqual(['Zebra 1.0.0']);
  });

  it('takes the preferred plugin regardless of the case of its name', () => {
    expect(choose([postgres, maria], { prefer: 'mariadb' })).toEqual({
      chosen: ['MariaDB 1.0.0'],
      reason: 'Preferred',
      verdicts: { 'PostgreSQL 1.0.0': 'NotPreferred', 'MariaDB 1.0.0': 'Chosen' },
    });
  });

  it('falls back while the preferred plugin is absent', () => {
    expect(choose([postgres], { prefer: 'MariaDB' })).toMatchObject({
      chosen: ['PostgreSQL 1.0.0'],
      reason: 'Fallback',
    });
  });

  it('takes nothing when the delegation allows no fallback', () => {
    expect(choose([postgres], { prefer: 'MariaDB', fallback: 'none' })).toEqual({
      chosen: [],
      reason: 'PreferredUnavailable',
      verdicts: { 'PostgreSQL 1.0.0': 'NotInFallback' },
    });
    expect(choose([postgres], { fallback: 'none' })).toMatchObject({
      chosen: ['PostgreSQL 1.0.0'],
      reason: 'NoPreference',
    });
  });

  it('takes the first available plugin of a fallback list', () => {
    const fallback = [parsePattern('Oracle'), parsePattern('SQLite@^1'), parsePattern('PostgreSQL')];
    expect(choose([postgres, sqlite, maria], { prefer: 'DB2', fallback })).toEqual({
      chosen: ['SQLite 1.0.0'],
      reason: 'Fallback',
      verdicts: { 'PostgreSQL 1.0.0': 'LowerInFallback', 'SQLite 1.0.0': 'Chosen', 'MariaDB 1.0.0': 'NotInFallback' },
    });
  });

  it('takes a preferred version range literally', () => {
    const newer = candidateOf('PostgreSQL', { version: '2.0.0' });
    expect(choose([postgres, newer], { prefer: 'PostgreSQL@^2' })).toMatchObject({
      chosen: ['PostgreSQL 2.0.0'],
      verdicts: { 'PostgreSQL 1.0.0': 'PreferredVersionMismatch' },
    });
    expect(choose([postgres, maria], { prefer: 'PostgreSQL@^2', fallback: 'none' })).toMatchObject({
      chosen: [],
      reason: 'PreferredUnavailable',
    });
  });

  it('excludes candidates with another API version, a missing capability, or no callable instance', () => {
    const all = [
      candidateOf('Old', { api: '0.9.0' }),
      candidateOf('Poor', { capabilities: { partitioning: 'range' } }),
      candidateOf('Stopping', { capabilities: { partitioning: 'hash' }, state: 'draining' }),
      candidateOf('Lost', { capabilities: { partitioning: 'hash' }, state: 'suspect' }),
      candidateOf('Resting', { capabilities: { partitioning: 'hash' }, serving: false }),
    ];
    expect(choose(all, { capabilities: { partitioning: 'hash' }, prefer: 'Old' })).toEqual({
      chosen: [],
      reason: 'NoPlugin',
      verdicts: {
        'Old 1.0.0': 'ApiVersionMismatch',
        'Poor 1.0.0': 'CapabilityMissing',
        'Stopping 1.0.0': 'Draining',
        'Lost 1.0.0': 'Unreachable',
        'Resting 1.0.0': 'NotServing',
      },
    });
  });

  it('prefers among equals the current choice, then the greatest weight, the newest version, the name', () => {
    expect(
      choose([postgres, maria], { present: [{ plugin: new PluginName('PostgreSQL'), version: '1.0.0' }] }),
    ).toMatchObject({
      chosen: ['PostgreSQL 1.0.0'],
      verdicts: { 'MariaDB 1.0.0': 'PresentChoiceKept' },
    });
    const heavy = candidateOf('Heavy', { weight: 200 });
    expect(choose([postgres, heavy])).toMatchObject({
      chosen: ['Heavy 1.0.0'],
      verdicts: { 'PostgreSQL 1.0.0': 'LowerWeight' },
    });
    const newer = candidateOf('PostgreSQL', { version: '1.10.0' });
    const older = candidateOf('PostgreSQL', { version: '1.9.0' });
    expect(choose([older, newer])).toMatchObject({
      chosen: ['PostgreSQL 1.10.0'],
      verdicts: { 'PostgreSQL 1.9.0': 'OlderVersion' },
    });
    expect(choose([postgres, maria])).toMatchObject({
      chosen: ['MariaDB 1.0.0'],
      verdicts: { 'PostgreSQL 1.0.0': 'LaterName' },
    });
  });

  it('keeps the current choice when only the case of its name changes', () => {
    const present = [{ plugin: new PluginName('postgresql'), version: '1.0.0' }];
    expect(choose([postgres, maria], { present }).chosen).toEqual(['PostgreSQL 1.0.0']);
  });

  it('stays with a plugin when a new version replaces the old one', () => {
    const newer = candidateOf('PostgreSQL', { version: '1.1.0' });
    const present = [{ plugin: new PluginName('PostgreSQL'), version: '1.0.0' }];
    expect(choose([postgres, newer, maria], { present }).chosen).toEqual(['PostgreSQL 1.0.0']);
    expect(choose([newer, maria], { present }).chosen).toEqual(['PostgreSQL 1.1.0']);
  });

  it('moves to the preferred plugin from another current choice', () => {
    const present = [{ plugin: new PluginName('PostgreSQL'), version: '1.0.0' }];
    expect(choose([postgres, maria], { prefer: 'MariaDB', present }).chosen).toEqual(['MariaDB 1.0.0']);
  });

  it('takes every plugin in its best version in mode all', () => {
    const newer = candidateOf('PostgreSQL', { version: '1.1.0' });
    const lost = candidateOf('SQLite', { state: 'suspect' });
    expect(choose([postgres, newer, maria, lost], { mode: 'all' })).toEqual({
      chosen: ['MariaDB 1.0.0', 'PostgreSQL 1.1.0'],
      reason: 'All',
      verdicts: {
        'PostgreSQL 1.0.0': 'OlderVersion',
        'PostgreSQL 1.1.0': 'Chosen',
        'MariaDB 1.0.0': 'Chosen',
        'SQLite 1.0.0': 'Unreachable',
      },
    });
  });

  describe('for any candidates', () => {
    const candidates = fc.uniqueArray(
      fc.record({
        plugin: fc.constantFrom('A', 'B', 'c', 'D'),
        version: fc.constantFrom('1.0.0', '1.1.0', '2.0.0-rc.1'),
        api: fc.constantFrom('1.0.0', '1.2.0', '2.0.0'),
        weight: fc.constantFrom(0, 100, 200),
        state: fc.constantFrom('live', 'suspect', 'draining'),
      }),
      { maxLength: 12, selector: ({ plugin, version, api }) => `${plugin} ${version} ${api}` },
    );
    const asked = fc.record({
      prefer: fc.option(fc.constantFrom('a', 'B@^1', 'Z'), { nil: undefined }),
      fallback: fc.constantFrom<SelectionRules['fallback']>('any', 'none', [parsePattern('C'), parsePattern('D')]),
      mode: fc.constantFrom<SelectionRules['mode']>('one', 'all'),
      present: fc.constantFrom<PresentChoice[]>([], [{ plugin: new PluginName('B'), version: '1.0.0' }]),
    });
    const build = (all: { plugin: string }[]) => all.map(({ plugin, ...rest }) => candidateOf(plugin, rest));
    const request = ({ prefer, ...rest }: { prefer: string | undefined }) => ({
      ...rest,
      ...(prefer ? { prefer } : {}),
    });

    it('chooses the same in any order', () => {
      fc.assert(
        fc.property(candidates, asked, fc.nat(), (all, given, turn) => {
          const turned = [...all.slice(turn % (all.length || 1)), ...all.slice(0, turn % (all.length || 1))].reverse();
          expect(choose(build(turned), request(given)).chosen).toEqual(choose(build(all), request(given)).chosen);
        }),
      );
    });

    it('chooses only callable candidates, and gives every candidate a verdict that agrees with the choice', () => {
      fc.assert(
        fc.property(candidates, asked, (all, given) => {
          const built = build(all);
          const { prefer, mode, fallback, present } = given;
          const selection = select(
            built,
            { ...rules, mode, fallback },
            {
              preference: prefer === undefined ? undefined : parsePattern(prefer),
              present,
            },
          );
          expect(selection.chosen.every(({ callable, api }) => callable.length > 0 && api.version.major === 1)).toBe(
            true,
          );
          expect(selection.verdicts.map(({ candidate }) => candidate)).toEqual(built);
          const winners = selection.verdicts
            .filter(({ reason }) => reason === 'Chosen')
            .map(({ candidate }) => candidate);
          expect(new Set(winners)).toEqual(new Set(selection.chosen));
          if (mode === 'one') expect(selection.chosen.length).toBeLessThanOrEqual(1);
        }),
      );
    });

    it('doesn’t flap: a current choice is chosen again', () => {
      fc.assert(
        fc.property(candidates, asked, (all, given) => {
          const first = choose(build(all), request(given)).chosen;
          const present = first.map((name) => {
            const [plugin = '', version = ''] = name.split(' ');
            return { plugin: new PluginName(plugin), version };
          });
          expect(choose(build(all), { ...request(given), present }).chosen).toEqual(first);
        }),
      );
    });
  });
});

describe('a suspended plugin', () => {
  const newer = candidateOf('MariaDB', { version: '1.1.0' });
  const present = [{ plugin: new PluginName('MariaDB'), version: '1.0.0' }];

  it('stays chosen, as its resources wait', () => {
    const suspensions = suspend(['MariaDB 1.0.0']);
    expect(choose([postgres, maria], { prefer: 'MariaDB', suspensions }).chosen).toEqual(['MariaDB 1.0.0']);
    expect(choose([postgres, maria], { present, suspensions }).chosen).toEqual(['MariaDB 1.0.0']);
  });

  it('is unavailable if the fallback may be chosen', () => {
    const suspensions = suspend(['MariaDB 1.0.0'], true);
    expect(choose([postgres, maria], { prefer: 'MariaDB', suspensions })).toEqual({
      chosen: ['PostgreSQL 1.0.0'],
      reason: 'Fallback',
      verdicts: { 'PostgreSQL 1.0.0': 'Chosen', 'MariaDB 1.0.0': 'Suspended' },
    });
    expect(choose([postgres, maria], { present, suspensions }).chosen).toEqual(['PostgreSQL 1.0.0']);
    const refused = choose([postgres, maria], { prefer: 'MariaDB', fallback: 'none', suspensions });
    expect(refused).toMatchObject({ chosen: [], reason: 'PreferredUnavailable' });
  });

  it.each([true, false])(
    'yields to another version of it, also to one that is older, with a fallback of %s',
    (fallback) => {
      const ofOld = suspend(['MariaDB 1.0.0'], fallback);
      expect(choose([postgres, maria, newer], { prefer: 'MariaDB', present, suspensions: ofOld })).toMatchObject({
        chosen: ['MariaDB 1.1.0'],
        verdicts: { 'MariaDB 1.0.0': 'Suspended' },
      });
      const ofNew = suspend(['MariaDB 1.1.0'], fallback);
      expect(choose([maria, newer], { suspensions: ofNew }).chosen).toEqual(['MariaDB 1.0.0']);
    },
  );

  it('does not yield to a version that the preference or the fallback list excludes', () => {
    const suspensions = suspend(['MariaDB 1.0.0']);
    expect(choose([maria, newer], { prefer: 'MariaDB@~1.0', suspensions }).chosen).toEqual(['MariaDB 1.0.0']);
    const fallback = [parsePattern('MariaDB@~1.0'), parsePattern('MariaDB')];
    expect(choose([maria, newer], { fallback, suspensions }).chosen).toEqual(['MariaDB 1.0.0']);
  });

  it('yields to another version where every plugin reconciles', () => {
    const suspensions = suspend(['MariaDB 1.1.0', 'PostgreSQL 1.0.0']);
    expect(choose([postgres, maria, newer], { mode: 'all', suspensions }).chosen).toEqual([
      'MariaDB 1.0.0',
      'PostgreSQL 1.0.0',
    ]);
  });
});
