import { describe, expect, it } from 'vitest';
import type { JsonObject, Resource } from '../resources/resource.ts';
import { assessReadiness } from './assess-readiness.ts';

function resource(apiVersion: string, kind: string, fields: Pick<Resource, 'spec' | 'status'> = {}): Resource {
  const creationTimestamp = '2026-01-01T00:00:00Z';
  const metadata = { name: 'a', namespace: 'team', uid: 'u', generation: 2, resourceVersion: '1', creationTimestamp };
  return { apiVersion, kind, metadata, ...fields };
}

const condition = (type: string, status: string, more: JsonObject = {}) => {
  return { type, status, lastTransitionTime: '2026-01-01T00:00:00Z', ...more };
};

/** Kinds with a state in which they are ready, and others in which they aren't, each with the expected message. */
const kinds: [string, string, JsonObject, JsonObject, [JsonObject, JsonObject, string, string?][]][] = [
  [
    'apps/v1',
    'Deployment',
    { replicas: 2 },
    {
      observedGeneration: 2,
      replicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      readyReplicas: 2,
      conditions: [condition('Available', 'True')],
    },
    [
      [{ replicas: 2 }, {}, '0 of 2 pods created'],
      [{}, {}, '0 of 1 pods created'],
      [{ replicas: 2 }, { observedGeneration: 1, replicas: 2 }, "its controller hasn't observed generation 2 yet"],
      [{ replicas: 2 }, { replicas: 2, updatedReplicas: 1 }, '1 of 2 pods updated'],
      [{ replicas: 2 }, { replicas: 3, updatedReplicas: 2 }, '1 old pods have yet to end'],
      [{ replicas: 2 }, { replicas: 2, updatedReplicas: 2, availableReplicas: 1 }, '1 of 2 pods available'],
      [
        { replicas: 1 },
        {
          conditions: [condition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded', message: 'too late' })],
        },
        'too late',
        'failed',
      ],
    ],
  ],
  [
    'apps/v1',
    'StatefulSet',
    { replicas: 1 },
    { replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: 'a', updateRevision: 'a' },
    [
      [{ replicas: 1 }, { replicas: 1 }, '0 of 1 pods ready'],
      [
        { replicas: 1 },
        { replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
        'its pods are being updated',
      ],
    ],
  ],
  [
    'apps/v1',
    'DaemonSet',
    {},
    {
      observedGeneration: 2,
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberReady: 1,
    },
    [
      [{}, {}, "its controller hasn't observed it yet"],
      [{}, { observedGeneration: 2, desiredNumberScheduled: 2, currentNumberScheduled: 1 }, '1 of 2 pods scheduled'],
    ],
  ],
  [
    'apps/v1',
    'ReplicaSet',
    { replicas: 1 },
    { replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1, readyReplicas: 1 },
    [
      [
        { replicas: 1 },
        { conditions: [condition('ReplicaFailure', 'True', { reason: 'FailedCreate', message: 'quota' })] },
        'quota',
      ],
    ],
  ],
  [
    'batch/v1',
    'Job',
    {},
    { conditions: [condition('Complete', 'True')] },
    [
      [{ completions: 3 }, { startTime: '2026-01-01T00:00:00Z', succeeded: 1 }, '1 of 3 pods succeeded'],
      [{}, { conditions: [condition('Failed', 'True', { message: 'back-off limit' })] }, 'back-off limit', 'failed'],
      [{ suspend: true }, {}, 'it is suspended'],
    ],
  ],
  [
    'v1',
    'Pod',
    {},
    { phase: 'Running', conditions: [condition('Ready', 'True')] },
    [
      [{}, { phase: 'Pending' }, 'it is not running yet'],
      [{}, { phase: 'Running' }, 'it is running, but not ready'],
      [{}, { phase: 'Failed', message: 'evicted' }, 'evicted', 'failed'],
      [
        {},
        { phase: 'Running', containerStatuses: [{ name: 'main', state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
        'containers crash: main',
        'failed',
      ],
      [
        {},
        {
          phase: 'Pending',
          conditions: [condition('PodScheduled', 'False', { reason: 'Unschedulable', message: 'no node' })],
        },
        'no node',
        'failed',
      ],
    ],
  ],
  [
    'v1',
    'PersistentVolumeClaim',
    {},
    { phase: 'Bound' },
    [
      [{}, { phase: 'Pending' }, 'it is not bound yet'],
      [{}, { phase: 'Lost' }, 'its volume is lost', 'failed'],
    ],
  ],
  [
    'v1',
    'Service',
    { type: 'LoadBalancer', clusterIP: '10.0.0.1' },
    {},
    [[{ type: 'LoadBalancer' }, {}, 'it has no cluster IP yet']],
  ],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {},
    { conditions: [condition('NamesAccepted', 'True'), condition('Established', 'True')] },
    [
      [{}, {}, 'it is not established yet'],
      [{}, { conditions: [condition('NamesAccepted', 'False', { message: 'taken' })] }, 'taken', 'failed'],
    ],
  ],
  [
    'myorg.org/v1',
    'Table',
    {},
    { conditions: [condition('Ready', 'True')] },
    [
      [{}, { conditions: [condition('Ready', 'False', { reason: 'Starting', message: '' })] }, 'Starting'],
      // A controller that sets only what it must.
      [{}, { conditions: [{ type: 'Ready', status: 'False' }] }, 'its condition Ready is False'],
      [{}, { conditions: [condition('Reconciling', 'True', { message: 'migrating' })] }, 'migrating'],
      [{}, { conditions: [condition('Stalled', 'True', { message: 'no quota' })] }, 'no quota', 'failed'],
    ],
  ],
];

describe.each(kinds)('%s %s', (apiVersion, kind, spec, status, others) => {
  it('is ready', () => {
    expect(assessReadiness(resource(apiVersion, kind, { spec, status }))).toEqual({ state: 'ready', message: '' });
  });

  it.each(others)('with %j and %j is not ready: %s', (otherSpec, otherStatus, message, state = 'progressing') => {
    const found = assessReadiness(resource(apiVersion, kind, { spec: otherSpec, status: otherStatus }));
    expect(found).toMatchObject({ state, message });
  });

  it('is not ready while it is being deleted', () => {
    const deleted = resource(apiVersion, kind, { spec, status });
    deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(assessReadiness(deleted)).toMatchObject({ state: 'progressing', message: 'it is being deleted' });
  });
});

it.each([
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['v1', 'Service'],
  ['batch/v1', 'CronJob'],
  ['myorg.org/v1', 'Unknown'],
])('%s %s without a status is ready', (apiVersion, kind) => {
  expect(assessReadiness(resource(apiVersion, kind)).state).toBe('ready');
});

it('others need not wait for a claim that is bound when a pod uses it', () => {
  const claim = resource('v1', 'PersistentVolumeClaim', { status: { phase: 'Pending' } });
  expect(assessReadiness(claim).isPassable).toBe(true);
});
