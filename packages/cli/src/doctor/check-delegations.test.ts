import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ConditionStatus, DelegatedResourceSchema, type Delegation, DelegationSchema } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { checkDelegations } from './check-delegations.ts';

const page = { value: { status: 200, text: '', clock: undefined } };

const tables = (more: MessageInitShape<typeof DelegationSchema>) => {
  const kind = { apiVersion: 'example.org/v1', kind: 'Table' };
  return create(DelegationSchema, { name: 'tables', ...kind, pluginApi: 'Table', pluginApiRange: '^1.0.0', ...more });
};

function find(delegation: Delegation, resources: readonly ReturnType<typeof resource>[] = []) {
  const view = {
    place: { url: 'http://localhost:8082', origin: 'as named', namespace: 'default' },
    delegations: { value: [delegation] },
    resources: { value: resources },
    instances: { value: [] },
    hosted: { value: undefined },
    refusals: { value: undefined },
    security: { value: undefined },
    readiness: page,
    metrics: page,
  };
  return checkDelegations(view, { manifests: '.' }, undefined);
}

const resource = (name: string, ready: ConditionStatus, readyReason: string) =>
  create(DelegatedResourceSchema, { key: `example.org/v1/Table//${name}`, delegation: 'tables', ready, readyReason });

describe('the resources of a delegation', () => {
  it.each([
    ['KindNotFound', 'KindExists'],
    ['Forbidden', 'ResourcesRead'],
    ['Unreachable', 'ResourcesRead'],
  ])('that cannot be read for the reason %s are a problem', (problemReason, check) => {
    const [found] = find(tables({ problemReason, problemMessage: 'it is so; add a rule' }));
    expect(found).toMatchObject({ check, outcome: 'problem', message: 'it is so', advice: ['add a rule'] });
  });

  it('that are not ready are grouped by reason, with a warning for those not reconciled yet', () => {
    const [, , failing, waiting, ...others] = find(tables({}), [
      resource('a', ConditionStatus.TRUE, 'Ready'),
      resource('b', ConditionStatus.FALSE, 'NoPlugin'),
      resource('c', ConditionStatus.UNSPECIFIED, ''),
      resource('d', ConditionStatus.FALSE, 'NoPlugin'),
    ]);
    expect(failing).toMatchObject({
      outcome: 'problem',
      message: '2 resources are not ready: NoPlugin, such as b',
      advice: ['kplug explain Table/b'],
    });
    expect(waiting).toMatchObject({ outcome: 'warning', message: expect.stringContaining('not reconciled yet') });
    expect(others).toEqual([]);
  });
});

describe('the plugins of a delegation', () => {
  const candidate = (reason: string, chosen = false) => ({
    plugin: 'SQLite',
    version: '1.0.0',
    reason,
    message: reason,
    chosen,
  });

  it.each([
    ['ApiVersionMismatch', 'widen the version range'],
    ['CapabilityMissing', 'selection.capabilities'],
    ['NotServing', 'health service'],
    ['Draining', 'restart SQLite'],
    ['Unreachable', 'reachable from the operator'],
  ])('that cannot be chosen for the reason %s are reported with advice', (reason, advice) => {
    const [, found] = find(tables({ candidates: [candidate(reason)] }));
    expect(found).toMatchObject({
      outcome: 'problem',
      message: `no plugin that can be selected implements Table@^1.0.0 (SQLite 1.0.0: ${reason})`,
      advice: [expect.stringContaining(advice)],
    });
  });

  it('are sufficient when one can be selected', () => {
    const candidates = [candidate('Unreachable'), candidate('Chosen', true)];
    const [, found] = find(tables({ candidates }));
    expect(found).toMatchObject({ outcome: 'ok', message: 'SQLite 1.0.0 implements Table@^1.0.0' });
  });
});
