import { expect, it } from 'vitest';
import { plainSuccess } from '../../clients/plugin-call.ts';
import { Registry } from '../../registry/registry.ts';
import { ManualClock, registrationOf } from '../../registry/testing.ts';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import type { Gathered } from '../extensions/gather.ts';
import type { Attempt } from './attempt.ts';
import { KeptAnswers } from './kept-answers.ts';

const hour = 3_600_000;
const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };

function setUp() {
  const registry = new Registry({ clock: new ManualClock() });
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  const [implementation] = registry.implementations('Table');
  if (!implementation) throw new Error('no implementation');
  const resources = new MemoryResources();
  const apply = (spec: object, labels = {}) =>
    resources.apply({ ...kind, metadata: { name: 'users', labels }, spec: { ...spec } });
  const gathered = (base: Resource, extension?: Resource): Gathered => {
    return { base, extensions: new Map(extension ? [[keyOf(extension), extension]] : []), problems: [] };
  };
  const attempts: Attempt[] = [{ implementation, answer: plainSuccess }];
  return { implementation, attempts, apply, gathered, answers: new KeptAnswers() };
}

it('returns the answer of the same plugin for the same state', () => {
  const { implementation, attempts, apply, gathered, answers } = setUp();
  const base = apply({ rows: 1 });
  answers.of('users').keep(gathered(base), attempts);
  answers.endPass('users');
  const kept = answers.of('users');
  expect(kept.find(gathered(base), [implementation], hour)).toBe(attempts);
  expect(kept.find(gathered({ ...base, status: { written: true } }), [implementation], hour)).toBe(attempts);
  expect(kept.find(gathered(base), [{ plugin: implementation.plugin, version: '9.0.0' }], hour)).toBeUndefined();
  expect(kept.find(gathered(base), [], hour)).toBeUndefined();
  expect(kept.find(gathered(base, { ...base, kind: 'Option' }), [implementation], hour)).toBeUndefined();
  expect(kept.find(gathered(apply({ rows: 1 }, { tier: 'gold' })), [implementation], hour)).toBeUndefined();
  expect(kept.find(gathered(apply({ rows: 2 })), [implementation], hour)).toBeUndefined();
  expect(kept.find(gathered(base), [implementation], -1)).toBeUndefined();
});

it('keeps nothing that was dropped, even during the pass', () => {
  const { implementation, attempts, apply, gathered, answers } = setUp();
  const state = gathered(apply({}));
  const pass = answers.of('users');
  answers.drop('users');
  pass.keep(state, attempts);
  pass.keepFinalized(state.base, implementation);
  expect(pass.isUsed).toBe(false);
  expect(answers.of('users').find(state, [implementation], hour)).toBeUndefined();
});

it('remembers which plugins have finalized a resource, until it is created again', () => {
  const { implementation, apply, answers } = setUp();
  const base = apply({});
  answers.of('users').keepFinalized(base, implementation);
  answers.endPass('users');
  expect(answers.of('users').isFinalized(base, implementation)).toBe(true);
  const next = { ...base, metadata: { ...base.metadata, uid: 'another' } };
  expect(answers.of('users').isFinalized(next, implementation)).toBe(false);
});

it('drops the oldest answers when there are many', () => {
  const { attempts, apply, gathered, answers } = setUp();
  const state = gathered(apply({}));
  for (let index = 0; index <= 1_000; index++) answers.of(`${index}`).keep(state, attempts);
  expect(answers.of('0').isUsed).toBe(false);
  expect(answers.of('1').isUsed).toBe(true);
  expect(answers.of('1000').isUsed).toBe(true);
});
