import { expect, it } from 'vitest';
import { AwakeClock } from '../registry/clock.ts';
import { Registry } from '../registry/registry.ts';
import { registrationOf } from '../registry/testing.ts';
import { InstanceSummary } from './instance-summary.ts';
import { composeRecord, instancesOf } from './plugin-record.ts';

/** Instances that a controller restores from the record of an instance with a certificate. */
function restore(certificate: string | undefined) {
  using clock = new AwakeClock();
  const registry = new Registry({ clock });
  const instance = registry.register({ ...registrationOf(), ...(certificate !== undefined && { certificate }) });
  const summary = new InstanceSummary();
  summary.add(instance);
  const record = composeRecord(summary, undefined);
  return { instance, restored: instancesOf(JSON.parse(JSON.stringify(record))) };
}

it.each([undefined, 'MIIB'.repeat(100)])(
  'a restored instance has the certificate %s that it registered',
  (certificate) => {
    const { instance, restored } = restore(certificate);
    expect(restored.map((one) => one.registration.certificate)).toEqual([certificate]);
    expect(restored[0]?.registration.instanceId).toBe(instance.registration.instanceId);
  },
);

it('an instance whose certificate is too long for the record is not restored, as it would be called in plain text', () => {
  expect(restore('MIIB'.repeat(1_000)).restored).toEqual([]);
});
