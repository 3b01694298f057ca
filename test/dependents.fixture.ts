import type { JsonObject, ResourceKey } from '@kplug/controller';
import type { Dependent, ReconcileResult, RuledDependent } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { expect, vi } from 'vitest';

export const apiVersion = 'myorg.org/v1alpha1';
export const waitOptions = { timeout: 10_000, interval: 5 };
export const kinds = [
  { apiVersion, kind: 'View' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'v1', kind: 'Service' },
];

export const view = (name: string, spec: JsonObject = {}): Dependent => ({
  apiVersion,
  kind: 'View',
  metadata: { name },
  spec,
});
export const set = (name: string): Dependent => {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec: { replicas: 1 } };
};
export const service = (name: string): Dependent => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: {},
});
export const runningStatus = { replicas: 1, readyReplicas: 1, currentReplicas: 1 };

export const setKey = (name: string) => `apps/v1/StatefulSet/default/${name}`;
export const viewKey = (name: string) => `${apiVersion}/View/default/${name}`;

/** An operator with a plugin that requests dependents for each table, by the table's spec. */
export async function startKeeper(
  dependentsOf: (spec: JsonObject) => (Dependent | RuledDependent)[],
  delegation: { readyTimeout?: string } = {},
) {
  const operator = await TestOperator.start({ dependents: { kinds, ...delegation } });
  const seen: string[][] = [];
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ base, dependents }): ReconcileResult => {
      seen.push(dependents.all().map(({ kind, metadata }) => `${kind}/${metadata.name}`));
      return { dependents: dependentsOf((base.spec ?? {}) as JsonObject) };
    },
  });
  return {
    operator,
    seen,
    /** Sets the status of a dependent, as its controller does. */
    setStatus: async (key: ResourceKey, status: JsonObject) => {
      const found = await vi.waitFor(() => {
        const resource = operator.resources.get(key);
        expect(resource, key).toBeDefined();
        return resource;
      }, waitOptions);
      await operator.resources.applyStatus(key, status, { uid: found?.metadata.uid ?? '', fieldManager: 'controller' });
    },
    states: () => {
      const { dependents } = (operator.get('users')?.status ?? {}) as { dependents?: JsonObject[] };
      return (dependents ?? []).map(({ kind, name, reason }) => `${kind}/${name} ${reason}`);
    },
    expectUnready: (reason: string, message: RegExp | string) =>
      operator.expectCondition('users', 'Ready', {
        status: 'False',
        reason,
        message: expect.stringMatching(message) as string,
      }),
  };
}
