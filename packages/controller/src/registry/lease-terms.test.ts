import { describe, expect, it } from 'vitest';
import { LeaseTerms } from './lease-terms.ts';

describe('LeaseTerms', () => {
  it('grants 5 s and 15 s by default', () => {
    expect(new LeaseTerms().grant({})).toEqual({ interval: 5_000, ttl: 15_000 });
  });

  it('grants what an instance wishes within bounds', () => {
    const terms = new LeaseTerms();
    expect(terms.grant({ interval: 20_000, ttl: 90_000 })).toEqual({ interval: 20_000, ttl: 90_000 });
    expect(terms.grant({ interval: 1 }).interval).toBe(1_000);
    expect(terms.grant({ ttl: 86_400_000 }).ttl).toBe(600_000);
  });

  it('always leaves time for two beats', () => {
    expect(new LeaseTerms().grant({ interval: 10_000, ttl: 1_000 })).toEqual({ interval: 10_000, ttl: 20_000 });
    expect(new LeaseTerms().grant({ interval: 30_000 })).toEqual({ interval: 30_000, ttl: 90_000 });
  });

  it('takes a short default of the controller as the bound', () => {
    expect(new LeaseTerms({ interval: 100, ttl: 300 }).grant({ interval: 1 })).toEqual({ interval: 100, ttl: 300 });
  });
});
