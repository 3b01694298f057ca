import { RefusalReason } from '@kplug/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../limits/limits.ts';
import { type CheckedIdentity, ProofCache } from './proof-cache.ts';
import { tryAgain, unauthenticated } from './refusals.ts';

const { refusalRetention, outageGracePeriod, outageRetryInterval, burst, peerBurst, maxRefusals } =
  limits.authentication;
const interval = 50_000;
const identity = { kind: 'oidc', issuer: 'https://example.org', subject: 'a' } as const;

let proofs: ProofCache;
let checks: number;
let answer: () => Promise<CheckedIdentity>;

const accepted = async () => ({ identity, endsAt: Number.POSITIVE_INFINITY });
const refused = async () => Promise.reject(unauthenticated('the token is wrong'));
const unavailable = async () => Promise.reject(tryAgain('nobody answers'));

const check = () => {
  checks += 1;
  return answer();
};

const prove = (digest = 'a', peer = '10.0.0.1') => proofs.prove(digest, check, peer);

beforeEach(() => {
  vi.useFakeTimers();
  proofs = new ProofCache(interval);
  checks = 0;
  answer = accepted;
});

afterEach(() => vi.useRealTimers());

/** Lets the promises of background checks settle. */
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('accepted credentials', () => {
  it('are checked once for concurrent calls, and recalled without a check', async () => {
    expect(proofs.recall('a', check)).toBeUndefined();
    const all = await Promise.all(Array.from({ length: 100 }, () => prove()));
    expect(new Set(all.map((proof) => proof.identity))).toEqual(new Set([identity]));
    expect(proofs.recall('a', check)?.identity).toBe(identity);
    expect(checks).toBe(1);
  });

  it('are renewed in the background by the calls that recall them, which never wait', async () => {
    await prove();
    for (let beat = 0; beat < 120; beat++) {
      await vi.advanceTimersByTimeAsync(5_000);
      expect(proofs.recall('a', check)?.identity).toBe(identity);
    }
    // Ten minutes, with a check every 40 to 45 seconds.
    expect(checks).toBeGreaterThanOrEqual(13);
    expect(checks).toBeLessThanOrEqual(17);
  });

  it('end within the interval when they are not accepted any more, and are refused from then on', async () => {
    await prove();
    answer = refused;
    const start = Date.now();
    let refusedAt: number | undefined;
    while (refusedAt === undefined) {
      await vi.advanceTimersByTimeAsync(5_000);
      try {
        proofs.recall('a', check);
      } catch (error) {
        expect(error).toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
        refusedAt = Date.now();
      }
    }
    expect(refusedAt - start).toBeLessThanOrEqual(interval);
  });

  it('that nobody recalls end after the interval', async () => {
    await prove();
    await vi.advanceTimersByTimeAsync(interval);
    expect(proofs.recall('a', check)).toBeUndefined();
  });

  it('end at their own end, even if the clock is set back', async () => {
    const endsAt = Date.now() + 10_000;
    answer = async () => ({ identity, endsAt });
    expect((await prove()).validUntil).toBe(endsAt);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(proofs.recall('a', check)).toBeUndefined();
    answer = accepted;
    await prove();
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(interval);
    expect(proofs.recall('a', check)).toBeUndefined();
  });
});

describe('refused credentials', () => {
  it('are refused without another check for a while', async () => {
    answer = refused;
    await expect(prove()).rejects.toThrow('the token is wrong');
    await expect(prove()).rejects.toThrow('the token is wrong');
    expect(() => proofs.recall('a', check)).toThrow('the token is wrong');
    expect(checks).toBe(1);
    await vi.advanceTimersByTimeAsync(refusalRetention);
    answer = accepted;
    expect((await prove()).identity).toBe(identity);
  });

  it('take a bounded amount of memory', async () => {
    answer = refused;
    for (let index = 0; index < maxRefusals + 2_000; index++) {
      await prove(`${index}`, '').catch(() => undefined);
      if (index % burst === burst - 1) await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(checks).toBeGreaterThan(maxRefusals);
    expect(proofs.size).toBeLessThanOrEqual(maxRefusals);
  });

  it('of one host do not use up the checks of others', async () => {
    answer = refused;
    for (let index = 0; index < 5_000; index++) await prove(`bad-${index}`, '10.6.6.6').catch(() => undefined);
    expect(checks).toBe(peerBurst);
    await expect(prove('bad', '10.6.6.6')).rejects.toMatchObject({
      reason: RefusalReason.CAPACITY,
      message: 'too many invalid tokens or certificates were sent from 10.6.6.6; try again',
    });
    answer = accepted;
    expect((await prove('good')).identity).toBe(identity);
  });

  it('of many hosts do not use up the checks of hosts that proved an identity before', async () => {
    await prove('good');
    answer = refused;
    for (let index = 0; index < 2 * burst; index++) await prove(`bad-${index}`, `10.6.${index}`).catch(() => undefined);
    expect(checks).toBe(1 + burst);
    answer = accepted;
    await expect(prove('new', '10.0.0.2')).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
    expect((await prove('rotated')).identity).toBe(identity);
  });
});

it('any number of honest plugins may start together, behind one host too', async () => {
  for (let index = 0; index < 3 * burst; index++) await prove(`${index}`);
  expect(checks).toBe(3 * burst);
});

describe('while checks cannot be made', () => {
  it('known credentials are accepted for a grace period, without a check for each call', async () => {
    await prove();
    answer = unavailable;
    const start = Date.now();
    let last = start;
    while (Date.now() - start < interval + outageGracePeriod + 60_000) {
      await vi.advanceTimersByTimeAsync(1_000);
      const proof = await prove().catch(() => undefined);
      if (proof) last = Date.now();
      if (proof) expect(proof.validUntil - Date.now()).toBeLessThanOrEqual(interval);
    }
    expect(last - start).toBeGreaterThanOrEqual(interval + outageGracePeriod - 5_000);
    expect(last - start).toBeLessThanOrEqual(interval + outageGracePeriod);
    expect(checks).toBeLessThan((interval + outageGracePeriod) / outageRetryInterval + 80);
    answer = accepted;
    expect((await prove()).identity).toBe(identity);
  });

  it('known credentials never outlive their end', async () => {
    const endsAt = Date.now() + 70_000;
    answer = async () => ({ identity, endsAt });
    await prove();
    answer = unavailable;
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await prove()).validUntil).toBeLessThanOrEqual(endsAt);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(prove()).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
  });

  it('unknown credentials are refused for now, and checked again by the next call', async () => {
    answer = unavailable;
    await expect(prove()).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
    await expect(prove()).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
    expect(checks).toBe(2);
  });

  it('a revocation counts as soon as checks are made again', async () => {
    await prove();
    answer = unavailable;
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await prove()).identity).toBe(identity);
    answer = refused;
    await vi.advanceTimersByTimeAsync(outageRetryInterval);
    proofs.recall('a', check);
    await settle();
    expect(() => proofs.recall('a', check)).toThrow('the token is wrong');
  });
});
