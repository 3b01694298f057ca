import { RefusalReason } from '@kplug/protocol';
import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { HolderQuota } from './holder-quota.ts';
import { registrationOf } from './testing.ts';

const KiB = 1_024;
const { pluginMemory, departureInterval, maxDepartures } = limits.holders;

function refusal(message: RegExp) {
  return expect.objectContaining({ reason: RefusalReason.CAPACITY, message: expect.stringMatching(message) });
}

function large(instanceId: string) {
  return registrationOf({ instanceId, labels: { text: 'x'.repeat(10 * KiB) } });
}

it('bounds the size of the registrations of a holder and of all, and names the setting', () => {
  const quota = new HolderQuota({ maxSizePerHost: 32 * KiB, maxSize: 48 * KiB }, () => 0);
  for (const id of ['a', 'b', 'c']) {
    quota.check('10.0.0.1', large(id));
    quota.add('10.0.0.1', large(id));
  }
  expect(() => quota.check('10.0.0.1', large('d'))).toThrow(
    refusal(/registrations of 10.0.0.1 have reached their maximum of 32 KiB.*registryQuota.maxSizePerHost/),
  );
  quota.check('10.0.0.2', large('d'));
  quota.add('10.0.0.2', large('d'));
  expect(() => quota.check('10.0.0.3', large('e'))).toThrow(refusal(/all plugins.*48 KiB.*registryQuota.maxSize$/));
  // Another content of about the same size is no more than before.
  quota.check('10.0.0.1', large('c'), large('c'));
  quota.remove('10.0.0.1', large('c'));
  quota.check('10.0.0.3', large('e'));
});

it('bounds the number of instances of a holder', () => {
  const quota = new HolderQuota({ maxInstancesPerHost: 2 }, () => 0);
  for (const instanceId of ['a', 'b']) quota.add('10.0.0.1', registrationOf({ instanceId }));
  expect(() => quota.check('10.0.0.1', registrationOf({ instanceId: 'c' }))).toThrow(
    refusal(/instances of 10.0.0.1.*maximum of 2.*registryQuota.maxInstancesPerHost/),
  );
  quota.check('10.0.0.2', registrationOf({ instanceId: 'c' }));
});

it('bounds the number of plugins of a holder, with those that left recently', () => {
  let now = 0;
  const quota = new HolderQuota({ maxPluginsPerHost: 2 }, () => now);
  for (const plugin of ['A', 'B']) {
    quota.add('10.0.0.1', registrationOf({ plugin }));
    quota.remove('10.0.0.1', registrationOf({ plugin }));
  }
  expect(() => quota.check('10.0.0.1', registrationOf({ plugin: 'C' }))).toThrow(
    refusal(/plugins of 10.0.0.1.*maxPluginsPerHost/),
  );
  quota.check('10.0.0.1', registrationOf({ plugin: 'a' }));
  now = pluginMemory;
  quota.check('10.0.0.1', registrationOf({ plugin: 'C' }));
});

it('refuses the instances of a holder that come and go too often, for a while', () => {
  let now = 0;
  const quota = new HolderQuota({}, () => now);
  for (let index = 0; index < maxDepartures; index++) {
    quota.add('10.0.0.1', registrationOf({}));
    quota.remove('10.0.0.1', registrationOf({}));
  }
  expect(() => quota.check('10.0.0.1', registrationOf({}))).toThrow(refusal(/come and go too often/));
  now = departureInterval;
  quota.check('10.0.0.1', registrationOf({}));
});

it('counts registrations without a holder only in all', () => {
  const quota = new HolderQuota({ maxInstancesPerHost: 1, maxSize: 16 * KiB }, () => 0);
  quota.add('', large('a'));
  quota.check('', registrationOf({ instanceId: 'b' }));
  expect(() => quota.check('', large('b'))).toThrow(refusal(/all plugins/));
});
