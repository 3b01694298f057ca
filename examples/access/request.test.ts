import { describe, expect, it } from 'vitest';
import { accessRequest, periodOf } from './request.ts';

const base = { spec: { user: 'jane', role: 'view', duration: '2h' } };
const noon = Date.parse('2026-01-01T12:00:00Z');

describe('a request', () => {
  it.each([
    ['90s', /not a duration of at most 7d/],
    ['8d', /not a duration of at most 7d/],
    ['', /not a duration of at most 7d/],
  ])('for %j is rejected with advice', (duration, message) => {
    const { error } = accessRequest.safeParse({ spec: { ...base.spec, duration } });
    expect(error?.issues[0]?.message).toMatch(message);
  });

  it('for a role that the plugin may not bind is rejected', () => {
    expect(accessRequest.safeParse({ spec: { ...base.spec, role: 'cluster-admin' } }).success).toBe(false);
  });

  it('expires its duration after the grant', () => {
    expect(periodOf(accessRequest.parse(base), noon)).toEqual({
      grantedAt: '2026-01-01T12:00:00.000Z',
      expiresAt: '2026-01-01T14:00:00.000Z',
      left: 2 * 3_600_000,
    });
  });

  it('that is extended still counts from the grant', () => {
    const longer = { spec: { ...base.spec, duration: '1d' }, status: { grantedAt: '2026-01-01T12:00:00.000Z' } };
    const later = noon + 3 * 3_600_000;
    expect(periodOf(accessRequest.parse(longer), later)).toMatchObject({ left: 21 * 3_600_000 });
  });
});
