import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OperatorTest } from '@kplug/controller/testing';
import { definePlugin, terminal } from '@kplug/sdk';
import { delegations } from './operator.ts';

const office = {
  apiVersion: '__GROUP__/v1alpha1',
  kind: '__KIND__',
  metadata: { name: 'office' },
  spec: { network: '10.20.0.0/22', subnets: [{ name: 'desks', hosts: 200 }] },
};

/** Starts the operator on resources in memory. It stops with the test. */
async function startOperator(context: TestContext): Promise<OperatorTest> {
  const operator = await OperatorTest.start({ delegations });
  context.after(() => operator.stop());
  return operator;
}

const plugin = (name: string, reconcile: () => { status: object }) =>
  definePlugin({ name, version: '1.0.0', api: '__API__@__API_VERSION__', reconcile });

test('a plugin of the API reconciles a resource', async (context) => {
  const operator = await startOperator(context);
  await operator.serve(plugin('Alpha', () => ({ status: { subnets: [] } })));
  operator.apply(office);
  const { status } = await operator.waitForCondition(office, { type: 'Ready', status: 'True' });
  assert.equal(status?.implementation, 'Alpha');
  assert.deepEqual(status?.subnets, []);
});

test('the preferred plugin is selected', async (context) => {
  const operator = await startOperator(context);
  for (const name of ['Alpha', 'Beta']) await operator.serve(plugin(name, () => ({ status: {} })));
  operator.apply({ ...office, spec: { ...office.spec, preferredImplementation: 'Beta' } });
  const { status } = await operator.waitForCondition(office, { type: 'Ready', status: 'True' });
  assert.equal(status?.implementation, 'Beta');
});

test('the status has the reason of a failure, and says when there is no plugin', async (context) => {
  const operator = await startOperator(context);
  operator.apply(office);
  await operator.waitForCondition(office, { type: 'Ready', status: 'False', reason: 'NoPlugin' });
  const refusing = plugin('Alpha', () => {
    throw terminal('no space left', { reason: 'DoesNotFit' });
  });
  await operator.serve(refusing);
  await operator.waitForCondition(office, { type: 'Ready', status: 'False', reason: 'DoesNotFit' });
});
