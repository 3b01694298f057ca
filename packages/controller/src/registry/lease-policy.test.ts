import { describe, expect, it } from 'vitest';
import { LeasePolicy } from './lease-policy.ts';

describe('LeasePolicy', () => {
  it('grants 5 s and 15 s by default', () => {
    expect(new LeasePolicy().grant({})).toEqual({ interval: 5_000, ttl: 15_000 });
  });

  it('grants the requested times within limits', () => {
    const policy = new LeasePolicy();
    expect(policy.grant({ interval: 20_000, ttl: 90_000 })).toEqual({ interval: 20_000, ttl: 90_000 });
    expect(policy.grant({ interval: 1 }).interval).toBe(1_000);
    expect(policy.grant({ ttl: 86_400_000 }).ttl).toBe(600_000);
  });

  it('always leaves time for two heartbeats', () => {
    expect(new LeasePolicy().grant({ interval: 10_000, ttl: 1_000 })).toEqual({ interval: 10_000, ttl: 20_000 });
    expect(new LeasePolicy().grant({ interval: 30_000 })).toEqual({ interval: 30_000, ttl: 90_000 });
  });

  it('accepts a short default of the controller as the limit', () => {
    expect(new LeasePolicy({ interval: 100, ttl: 300 }).grant({ interval: 1 })).toEqual({ interval: 100, ttl: 300 });
  });
});
