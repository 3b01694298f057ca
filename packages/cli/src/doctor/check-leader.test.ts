import type { JsonObject } from '@kplug/controller';
import { expect, it } from 'vitest';
import { checkLeader } from './check-leader.ts';
import { readOperatorPod } from './operator-pod.ts';

const choice = { manifests: '.', cluster: true };

const pod = (name: string, ...args: string[]) => {
  const read = readOperatorPod({ metadata: { name, namespace: 'system' }, spec: { containers: [{ args }] } });
  return read ? [read] : [];
};

const electing = pod('kplug-0', '--enable-leader-election');

/** A Lease of 15 s that was renewed a while ago, in milliseconds. */
const lease = (holderIdentity: string, ago: number) => ({
  spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: new Date(Date.now() - ago).toISOString() },
});

function find(value: JsonObject | undefined, operators = electing, ahead = 0) {
  const nothing = { value: [] };
  const view = {
    ...{ namespace: 'system', operators: { value: operators }, lease: { value } },
    ...{ pods: nothing, services: nothing, networkPolicies: nothing, declared: nothing, delegations: nothing },
  };
  const [found] = checkLeader(view, { min: ahead, max: ahead }, choice);
  return found && `${found.outcome}: ${found.message}`;
}

it('an operator that renews its Lease leads', () => {
  expect(find(lease('kplug-0_1', 2_000))).toBe('ok: kplug-0 leads; it renewed the Lease system/kplug 2 s ago');
});

it.each([
  [undefined, 'problem: the Lease system/kplug does not exist, so no operator leads'],
  [lease('', 0), 'problem: the Lease system/kplug has no holder, so no operator reconciles'],
  [
    lease('kplug-0_1', 20_000),
    'problem: kplug-0 holds the Lease system/kplug but last renewed it 20 s ago, so no operator reconciles',
  ],
  [lease('other_1', 0), 'warning: other, which holds the Lease system/kplug, is not a pod of the operator'],
])('other states are reported: %#', (value, message) => {
  expect(find(value)).toBe(message);
});

it("the API server's clock is used", () => {
  expect(find(lease('kplug-0_1', 0), electing, 20_000)).toContain('last renewed it 20 s ago');
});

it('a single operator without leader election needs no Lease', () => {
  expect(find(undefined, pod('kplug-0'))).toBeUndefined();
  expect(find(undefined, [...pod('kplug-0'), ...pod('kplug-1')])).toMatch(/^problem: 2 pods of the operator run/);
});
