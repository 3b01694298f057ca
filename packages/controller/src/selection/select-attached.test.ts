import fc from 'fast-check';
import { Range } from 'semver';
import { describe, expect, it } from 'vitest';
import { PluginName } from '../names.ts';
import { admissionOf, admitAll } from './admission.ts';
import type { Candidate } from './candidate.ts';
import { parsePattern } from './preference.ts';
import { type SelectionRules, select } from './select.ts';
import { selectAttached } from './select-attached.ts';
import { candidateOf } from './testing.ts';

const rules: SelectionRules = {
  apiRange: new Range('^1.0.0'),
  admission: admitAll,
  capabilities: {},
  fallback: 'any',
  mode: 'one',
};

const attachedOf = (plugin: string, given: Parameters<typeof candidateOf>[1] = {}) =>
  candidateOf(plugin, { owner: 'attachment:default/ann', version: '1.0.0+attached.default.ann', ...given });

function choose(
  candidates: Candidate[],
  attached: Candidate[],
  { prefer, present, ...given }: Partial<SelectionRules> & { prefer?: string; present?: string } = {},
) {
  const selection = selectAttached(
    candidates,
    attached,
    { ...rules, ...given },
    {
      preference: prefer === undefined ? undefined : parsePattern(prefer),
      present: present === undefined ? [] : [{ plugin: new PluginName(present), version: '1.0.0' }],
    },
  );
  return {
    chosen: selection.chosen.map(({ plugin, version }) => `${plugin} ${version}`),
    reason: selection.reason,
    verdicts: selection.verdicts.map(({ candidate, reason }) => `${candidate.plugin} ${candidate.version}: ${reason}`),
  };
}

const postgres = candidateOf('PostgreSQL');
const mariadb = candidateOf('MariaDB', { weight: 200 });

describe('an attached plugin', () => {
  it('stands in for the chosen plugin of its name', () => {
    expect(choose([postgres], [attachedOf('postgresql')])).toEqual({
      chosen: ['postgresql 1.0.0+attached.default.ann'],
      reason: 'Attached',
      verdicts: ['postgresql 1.0.0+attached.default.ann: Chosen', 'PostgreSQL 1.0.0: StoodInFor'],
    });
  });

  it.each([
    ['which is preferred', { prefer: 'MariaDB' }],
    ['which is present', { present: 'MariaDB' }],
    ['which has a greater weight', {}],
  ])('takes nothing from a plugin of another name, %s', (_, given) => {
    const { chosen, verdicts } = choose([postgres, mariadb], [attachedOf('PostgreSQL', { version: '9.0.0' })], given);
    expect(chosen).toEqual(['MariaDB 1.0.0']);
    expect(verdicts).toContain('PostgreSQL 9.0.0: OtherChosen');
  });

  it('is chosen where no plugin is, but not against the preference', () => {
    expect(choose([], [attachedOf('PostgreSQL')]).reason).toBe('Attached');
    expect(choose([], [attachedOf('PostgreSQL')], { prefer: 'MariaDB', fallback: 'none' }).chosen).toEqual([]);
  });

  it.each([
    ['is unreachable', { state: 'suspect' }],
    ['is stopping', { state: 'draining' }],
    ['does not serve the API', { serving: false }],
    ['implements another version of the API', { api: '2.0.0' }],
  ])('leaves a resource where it is while it %s', (_, given) => {
    const { chosen, reason } = choose([postgres], [attachedOf('PostgreSQL', given)]);
    expect(chosen).toEqual(['PostgreSQL 1.0.0']);
    expect(reason).toBe('NoPreference');
  });

  it('leaves a resource where it is when the preference excludes its version', () => {
    const { chosen } = choose([postgres], [attachedOf('PostgreSQL', { version: '2.0.0' })], {
      prefer: 'PostgreSQL@^1',
    });
    expect(chosen).toEqual(['PostgreSQL 1.0.0']);
  });

  it('needs no admission by the delegation, which still applies to others', () => {
    const admission = admissionOf([{ namespace: 'kplug-system' }]);
    const stranger = candidateOf('MariaDB', { owner: 'serviceaccount:elsewhere/mariadb' });
    expect(choose([stranger], [attachedOf('PostgreSQL')], { admission }).chosen).toEqual([
      'PostgreSQL 1.0.0+attached.default.ann',
    ]);
    expect(choose([stranger], [attachedOf('PostgreSQL', { state: 'suspect' })], { admission }).chosen).toEqual([]);
  });

  it('stands in for one of several where all reconcile', () => {
    const { chosen } = choose([postgres, mariadb], [attachedOf('PostgreSQL')], { mode: 'all' });
    expect(chosen).toEqual(['MariaDB 1.0.0', 'PostgreSQL 1.0.0+attached.default.ann']);
  });

  it('never leaves a resource without a plugin, and replaces only one of its own name', () => {
    const candidate = fc
      .record({
        plugin: fc.constantFrom('A', 'B', 'C'),
        version: fc.constantFrom('1.0.0', '1.1.0', '2.0.0'),
        api: fc.constantFrom('1.0.0', '2.0.0'),
        state: fc.constantFrom('live', 'suspect', 'draining'),
        weight: fc.nat({ max: 200 }),
      })
      .map(({ plugin, ...given }) => candidateOf(plugin, given));
    const preference = fc.option(fc.constantFrom('A', 'B@^1', 'C'), { nil: undefined });
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 5 }), candidate, preference, (candidates, attached, prefer) => {
        const request = { preference: prefer === undefined ? undefined : parsePattern(prefer), present: [] };
        const ordinary = select(candidates, rules, request).chosen;
        const { chosen } = selectAttached(candidates, [attached], rules, request);
        const isTaken = chosen.includes(attached);
        expect(chosen.length).toBeGreaterThanOrEqual(ordinary.length);
        if (!isTaken) expect(chosen).toEqual(ordinary);
        else expect(ordinary.every(({ plugin }) => plugin.equals(attached.plugin))).toBe(true);
      }),
    );
  });
});
