import { RefusalReason } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { RecentRefusals, type RefusedClaims } from './recent-refusals.ts';
import { registrationOf } from './testing.ts';

const { maxRefusals, maxRefusalsPerPeer, maxRefusedTextLength, refusalRetention } = limits.heartbeat;

const invalid = { reason: RefusalReason.INVALID, message: 'version "latest" is malformed' };

const claims: RefusedClaims = {
  plugin: 'Plain',
  version: 'latest',
  apis: ['Table@1.0.0'],
  address: '10.0.0.7:7000',
  instanceId: 'a',
  protocol: 'kplug.v1',
  peer: '10.0.0.7',
};

describe('recent refusals', () => {
  it('count equal ones, also of a restarted process, and list the latest first', () => {
    let now = 1_000;
    const refusals = new RecentRefusals(() => now);
    refusals.record(invalid, claims);
    refusals.record(invalid, { ...claims, plugin: 'Other' });
    now = 2_000;
    refusals.record(invalid, { ...claims, instanceId: 'b' });
    expect(refusals.list()).toMatchObject([
      { plugin: 'Plain', instanceId: 'b', count: 2, firstAt: 1_000, lastAt: 2_000, ...invalid },
      { plugin: 'Other', count: 1 },
    ]);
  });

  it('are removed when the plugin is accepted from that host, and only then', () => {
    const refusals = new RecentRefusals();
    refusals.record(invalid, claims);
    refusals.record(invalid, { ...claims, peer: '10.0.0.8', address: ':7000' });
    const plain = registrationOf({ plugin: 'plain', address: '10.0.0.7:7000' });
    refusals.accepted({ ...plain, plugin: 'Other' });
    expect(refusals.list()).toHaveLength(2);
    refusals.accepted(plain);
    expect(refusals.list()).toMatchObject([{ peer: '10.0.0.8' }]);
  });

  it('are not listed for ever', () => {
    let now = 0;
    const refusals = new RecentRefusals(() => now);
    refusals.record(invalid, claims);
    now = refusalRetention + 1;
    expect(refusals.list()).toEqual([]);
  });

  it('are bounded, for one client and for all', () => {
    const refusals = new RecentRefusals();
    refusals.record(invalid, claims);
    for (let index = 0; index < 10 * maxRefusalsPerPeer; index++) {
      refusals.record(invalid, { ...claims, plugin: `P${index}`, peer: '10.0.0.9' });
    }
    expect(refusals.list()).toHaveLength(1 + maxRefusalsPerPeer);
    expect(refusals.list().at(-1)).toMatchObject({ plugin: 'Plain' });
    for (let index = 0; index < 2 * maxRefusals; index++) {
      refusals.record(invalid, { ...claims, peer: `10.1.${index >> 8}.${index & 255}` });
    }
    expect(refusals.list()).toHaveLength(maxRefusals);
    expect(refusals.dropped).toBe(9 * maxRefusalsPerPeer + 1 + maxRefusalsPerPeer + maxRefusals);
  });

  it('have neither control characters nor long texts', () => {
    const refusals = new RecentRefusals();
    const hostile = '\u001b[2J\u001b]0;owned\u0007\r\nok\u202e\u2028\ud800';
    refusals.record({ ...invalid, message: hostile }, { ...claims, plugin: hostile, version: 'x'.repeat(60_000) });
    const [refusal] = refusals.list();
    for (const text of [refusal?.plugin, refusal?.message])
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(refusal?.plugin).toMatch(/^\\u001b\[2J\\u001b\]0;owned\\u0007 ok/);
    expect(refusal?.version).toHaveLength(maxRefusedTextLength);
  });
});
