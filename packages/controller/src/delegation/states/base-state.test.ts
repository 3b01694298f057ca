import { expect, it } from 'vitest';
import type { JsonObject, Resource } from '../../resources/resource.ts';
import { stateOf } from './base-state.ts';

const key = 'myorg.org/v1/Table/default/users';

interface Given {
  ready?: { status?: string; reason?: string; observedGeneration?: number };
  reconciled?: { status: string; reason: string };
  finalized?: { status: string; reason: string };
  metadata?: Partial<Resource['metadata']>;
}

function table({ ready, reconciled, finalized, metadata }: Given = {}): Resource {
  const conditions = Object.entries({ Ready: ready, Reconciled: reconciled, Finalized: finalized }).flatMap(
    ([type, given]) =>
      given ? [{ type, status: 'False', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z', ...given }] : [],
  );
  return {
    ...{ apiVersion: 'myorg.org/v1', kind: 'Table' },
    metadata: {
      ...{ name: 'users', namespace: 'default', uid: 'u', generation: 2, resourceVersion: '1' },
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    status: { conditions } as JsonObject,
  };
}

const deletionTimestamp = '2026-01-01T00:00:00Z';
const annotations = { 'kplug.dev/paused': 'true' };

it.each<[string, Given, string, string]>([
  ['waiting before its first pass', {}, 'waiting', 'NotReconciled'],
  ['ready', { ready: { status: 'True', reason: 'Ready', observedGeneration: 2 } }, 'ready', 'Ready'],
  [
    'ready if its status does not say of which generation',
    { ready: { status: 'True', reason: 'Ready' } },
    'ready',
    'Ready',
  ],
  [
    'waiting if an older generation is ready',
    { ready: { status: 'True', reason: 'Ready', observedGeneration: 1 } },
    'waiting',
    'NotReconciled',
  ],
  ['waiting for a plugin', { ready: { reason: 'NoPlugin' } }, 'waiting', 'NoPlugin'],
  [
    'waiting for an operation',
    { ready: { reason: 'InProgress' }, reconciled: { status: 'False', reason: 'InProgress' } },
    'waiting',
    'InProgress',
  ],
  [
    'failing if a plugin fails for a reason by which others wait',
    { ready: { reason: 'NoPlugin' }, reconciled: { status: 'False', reason: 'NoPlugin' } },
    'failing',
    'NoPlugin',
  ],
  ['failing if a plugin fails', { ready: { reason: 'NoDisk' } }, 'failing', 'NoDisk'],
  ['failing if its plugin hangs', { ready: { reason: 'PluginSuspended' } }, 'failing', 'PluginSuspended'],
  ['failing if a dependent failed', { ready: { reason: 'DependentFailed' } }, 'failing', 'DependentFailed'],
  ['waiting for dependents', { ready: { reason: 'DependentsNotReady' } }, 'waiting', 'DependentsNotReady'],
  ['paused', { metadata: { annotations }, ready: { status: 'True', reason: 'Ready' } }, 'paused', 'Paused'],
  ['deleting', { metadata: { deletionTimestamp } }, 'deleting', 'Deleting'],
  [
    'deleting, with what holds that up',
    { metadata: { deletionTimestamp }, finalized: { status: 'False', reason: 'PluginGone' } },
    'deleting',
    'PluginGone',
  ],
  ['deleting although it is paused', { metadata: { deletionTimestamp, annotations } }, 'deleting', 'Paused'],
])('is %s', (_, given, state, reason) => {
  expect(stateOf(table(given), { writeFailure: undefined })).toMatchObject({ state, reason, about: key });
});

it('is failing when a write failed, whatever the status says, and about the resource whose write failed', () => {
  const ready = table({ ready: { status: 'True', reason: 'Ready', observedGeneration: 2 } });
  const other = 'myorg.org/v1/Table/default/other';
  const failure = { key: other, code: 'StorageFailed', reason: 'ENOSPC', namespace: undefined, message: 'disk full' };
  expect(stateOf(ready, { writeFailure: failure })).toEqual({
    ...{ state: 'failing', reason: 'StorageFailed', message: 'disk full', about: other },
  });
  expect(stateOf(ready, { writeFailure: { ...failure, reason: 'Forbidden' } }).reason).toBe('Forbidden');
});

it('is failing when its kind cannot be read, unless it is deleted or paused', () => {
  const problem = { reason: 'Unreachable', message: 'no answer' } as const;
  const given = { writeFailure: undefined, problem };
  const ready = table({ ready: { status: 'True', reason: 'Ready', observedGeneration: 2 } });
  expect(stateOf(ready, given)).toMatchObject({ state: 'failing', ...problem });
  expect(stateOf(table({ metadata: { annotations } }), given).state).toBe('paused');
});
