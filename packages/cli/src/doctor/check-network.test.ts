import { create } from '@bufbuild/protobuf';
import type { JsonObject } from '@kplug/controller';
import { GetSecurityResponseSchema, HeartbeatSecurity } from '@kplug/protocol';
import { expect, it } from 'vitest';
import type { Answer } from './answer.ts';
import { checkNetwork } from './check-network.ts';
import type { ClusterView } from './cluster-view.ts';
import { readOperatorPod } from './operator-pod.ts';
import type { OperatorView } from './operator-view.ts';

const labels = { app: 'kplug', tier: 'control' };

function found(
  networkPolicies: Answer<readonly JsonObject[]>,
  heartbeatSecurity: HeartbeatSecurity = HeartbeatSecurity.SECURED,
): string[] {
  const pod = readOperatorPod({ metadata: { name: 'kplug-0', namespace: 'system', labels }, spec: { containers: [] } });
  const security = { value: create(GetSecurityResponseSchema, { heartbeatSecurity }) };
  const view = { namespace: 'system', operators: { value: pod ? [pod] : [] }, networkPolicies };
  return checkNetwork(view as unknown as ClusterView, { security } as unknown as OperatorView).map(
    ({ outcome, message }) => `${outcome}: ${message}`,
  );
}

const policy = (podSelector: JsonObject, more: JsonObject = {}) => ({
  value: [{ metadata: { name: 'own' }, spec: { podSelector, ...more } }],
});

const none = [
  'warning: no NetworkPolicy of the namespace system selects the pods of the operator, so every pod reaches their ports',
];
const some = ['ok: the NetworkPolicy own restricts who reaches the operator'];

it.each<[string, Answer<readonly JsonObject[]>, string[]]>([
  ['no policy', { value: [] }, none],
  ['all pods', policy({}), some],
  ['its labels', policy({ matchLabels: { app: 'kplug' } }), some],
  ['other labels', policy({ matchLabels: { app: 'kplug', tier: 'data' } }), none],
  ['expressions', policy({ matchExpressions: [{ key: 'tier', operator: 'In', values: ['control'] }] }), some],
  ['an absent label', policy({ matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] }), some],
  ['a required label', policy({ matchExpressions: [{ key: 'role', operator: 'Exists' }] }), none],
  ['a forbidden value', policy({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['kplug'] }] }), none],
  ['egress only', policy({}, { policyTypes: ['Egress'] }), none],
  ['no right', { failure: 'forbidden', isForbidden: true }, ['notTried: NetworkPolicies: forbidden']],
])('a NetworkPolicy that selects %s', (_, policies, expected) => {
  expect(found(policies)).toEqual(expected);
});

it('is not needed for a port of the loopback interface', () => {
  expect(found({ value: [] }, HeartbeatSecurity.LOOPBACK)).toEqual([]);
});
