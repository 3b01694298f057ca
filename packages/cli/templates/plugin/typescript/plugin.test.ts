import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOutcome, testPlugin } from '@kplug/sdk/testing';
import { plugin } from './plugin.ts';

const { reconcile } = testPlugin(plugin);
const network = '10.20.0.0/22';
const subnets = [{ name: 'desks', hosts: 200 }];

test('the status has the addresses of each subnet', async () => {
  const result = await reconcile({ base: { spec: { network, subnets } } });
  assertOutcome(result, 'Success');
  assert.deepEqual(result.status, {
    subnets: [{ name: 'desks', network: '10.20.0.0/24', firstHost: '10.20.0.1', lastHost: '10.20.0.254' }],
  });
});

test('a subnet keeps the place that the status has', async () => {
  const status = { subnets: [{ name: 'desks', network: '10.20.2.0/24' }] };
  const result = await reconcile({ base: { spec: { network, subnets }, status } });
  assert.partialDeepStrictEqual(result.status, status);
});

test('a network that is too small is a failure that no retry ends', async () => {
  const result = await reconcile({ base: { spec: { network: '10.20.0.0/30', subnets } } });
  assertOutcome(result, 'Terminal', 'DoesNotFit');
});

test('an invalid resource is refused, with the field', async () => {
  const result = await reconcile({ base: { spec: { network, subnets: [{ name: 'desks', hosts: 0 }] } } });
  assertOutcome(result, 'Terminal', 'InvalidSpec');
  assert.match(result.message, /\.spec\.subnets\[0\]\.hosts/);
});
