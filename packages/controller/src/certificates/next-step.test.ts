import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { days, hours, minutes } from '../limits/limit.ts';
import type { LeafUse } from './issue-certificate.ts';
import { type CertificateFacts, type Facts, nextStep, type RenewalRequest, renewalOf, type Step } from './next-step.ts';
import { isValidAt } from './read-certificate.ts';

const start = Date.UTC(2027, 0, 1);
const uses: LeafUse[] = ['server', 'caller'];

/** World in which several operators do the steps of one set of certificates, and plugins read what is published. */
class World {
  now = start;
  stored: Facts | undefined;
  /** Published bundles with their times, the oldest first. */
  readonly published: { at: number; serials: ReadonlySet<string> }[] = [];
  #serials = 0;

  /** Does what is due, as an operator does at each check, and returns the steps. `fails`: the operator can't publish. */
  check(fails = false): Step[] {
    const done: Step[] = [];
    for (let steps = 0; ; steps++) {
      expect(steps).toBeLessThan(20);
      const step = nextStep(this.stored, this.now);
      done.push(step);
      if (step.do === 'wait') {
        expect(step.until).toBeGreaterThan(this.now);
        break;
      }
      if (step.do === 'publish') {
        if (fails) break;
        this.#publish();
      }
      this.stored = { ...this.#after(step), requested: undefined };
    }
    if (!fails) this.#publish();
    return done;
  }

  request(requested: RenewalRequest): void {
    if (this.stored) this.stored = { ...this.stored, requested };
  }

  #publish(): void {
    if (!this.stored) return;
    const serials = new Set(this.stored.authorities.map(({ serial }) => serial));
    this.published.push({ at: this.now, serials });
  }

  #after(step: Exclude<Step, { do: 'wait' }>): Facts {
    const { stored } = this;
    const valid = stored?.authorities.filter(({ notAfter }) => notAfter > this.now) ?? [];
    if (step.do === 'create' || !stored) {
      const signing = this.#make(365 * days);
      return this.#issue({ authorities: [...valid, signing], signing: signing.serial, leaves: {} }, uses);
    }
    switch (step.do) {
      case 'prepare': {
        const next = this.#make(365 * days);
        return { ...stored, authorities: [...valid, next], next: { serial: next.serial } };
      }
      case 'publish':
        return { ...stored, ...(stored.next && { next: { ...stored.next, publishedAt: this.now } }) };
      case 'promote':
        return this.#issue(
          { authorities: valid, signing: stored.next?.serial ?? '', next: undefined, leaves: {} },
          uses,
        );
      case 'issue':
        return this.#issue(stored, step.uses);
      case 'prune':
        return { ...stored, authorities: valid };
    }
  }

  #issue(facts: Facts, which: readonly LeafUse[]): Facts {
    const signing = facts.authorities.find(({ serial }) => serial === facts.signing);
    const leaves = { ...facts.leaves };
    for (const use of which) {
      const leaf = this.#make(30 * days);
      leaves[use] = {
        ...leaf,
        notAfter: Math.min(leaf.notAfter, signing?.notAfter ?? 0),
        issuer: facts.signing,
      };
    }
    return { ...facts, leaves };
  }

  #make(lifetime: number): CertificateFacts {
    const serial = (++this.#serials * 0x9e_37_79).toString(16).padStart(8, '0');
    return { serial, notBefore: this.now - hours, notAfter: this.now + lifetime };
  }

  /** Finds a certificate in use that a plugin with a bundle of up to 10 minutes ago refuses. */
  findRefusal(): string | undefined {
    const { stored, now } = this;
    if (!stored) return 'nothing is stored';
    const current = this.published.at(-1);
    const seen = this.published.filter(
      (one, index) => one === current || (this.published[index + 1]?.at ?? now) > now - 10 * minutes,
    );
    for (const use of uses) {
      const leaf = stored.leaves[use];
      if (!leaf || !isValidAt(leaf, now)) return `the ${use} certificate has expired`;
      const issuer = stored.authorities.find(({ serial }) => serial === leaf.issuer);
      if (!issuer || !isValidAt(issuer, now)) return `the CA of the ${use} certificate has expired`;
      for (const { at, serials } of seen) {
        if (!serials.has(leaf.issuer)) return `a bundle of ${(now - at) / minutes} min ago lacks the ${use}'s CA`;
      }
    }
    return undefined;
  }
}

describe('the next step', () => {
  it('never uses a certificate that a plugin with a bundle of up to 10 minutes ago refuses', () => {
    // Checks come each minute for years, with outages of up to months.
    const outage = fc.constantFrom(1 * minutes, 3 * minutes, 5 * minutes, 11 * minutes, 1 * hours, 1 * days, 5 * days);
    const waits = fc.array(outage, { minLength: 150, maxLength: 400 });
    const failing = fc.array(fc.nat(200), { maxLength: 20 });
    const requests = fc.dictionary(fc.nat(200).map(String), fc.constantFrom<RenewalRequest[]>('ca', 'certificates'), {
      maxKeys: 10,
    });
    fc.assert(
      fc.property(waits, failing, requests, (delays, failures, requested) => {
        const world = new World();
        world.check();
        for (const [index, delay] of delays.entries()) {
          world.now += delay;
          const request = requested[index];
          if (request) world.request(request);
          world.check(failures.includes(index));
          expect(world.findRefusal()).toBeUndefined();
        }
      }),
      { numRuns: 100 },
    );
  });

  it('replaces what has expired during a long outage, with the CAs that are still valid in the bundle', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 12 }), (outages) => {
        const world = new World();
        world.check();
        for (const outage of outages) {
          const former = world.stored;
          world.now += outage * days;
          world.check();
          const { stored, now } = world;
          for (const use of uses) {
            const leaf = stored?.leaves[use];
            expect(leaf && isValidAt(leaf, now)).toBe(true);
            expect(leaf?.issuer).toBe(stored?.signing);
          }
          const isValid = former?.authorities.some(
            ({ serial, notAfter }) => serial === former.signing && notAfter > now,
          );
          // Plugins have only seen these.
          if (isValid) expect([former?.signing, former?.next?.serial]).toContain(stored?.signing);
          for (const { serial, notAfter } of former?.authorities ?? []) {
            expect(stored?.authorities.some((one) => one.serial === serial)).toBe(notAfter > now);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('uses a new CA ten minutes after its publication, and keeps the old one until it expires', () => {
    const world = new World();
    world.check();
    const first = world.stored?.signing ?? '';
    const [ca] = world.stored?.authorities ?? [];
    if (!ca) throw new Error('no CA was made');
    while (world.now < renewalOf(ca) - 1 * days) {
      world.now += 1 * days;
      world.check();
    }
    world.now = renewalOf(ca);
    // It can't be published yet.
    world.check(true);
    world.now += 1 * days;
    world.check(true);
    expect(world.stored).toMatchObject({ signing: first, next: { serial: expect.any(String) as string } });
    world.check();
    world.now += 10 * minutes - 1;
    world.check();
    expect(world.stored?.signing).toBe(first);
    world.now += 1;
    world.check();
    expect(world.stored?.signing).not.toBe(first);
    expect(world.stored?.authorities.map(({ serial }) => serial)).toContain(first);
    while (world.now < ca.notAfter) {
      world.now += 10 * days;
      world.check();
    }
    expect(world.stored?.authorities.map(({ serial }) => serial)).not.toContain(first);
  });

  it.each<[RenewalRequest, Step[]]>([
    [
      'certificates',
      [
        { do: 'issue', uses },
        { do: 'wait', until: expect.any(Number) as number },
      ],
    ],
    ['ca', [{ do: 'prepare' }, { do: 'publish' }, { do: 'wait', until: start + 10 * minutes }]],
  ])('renews %s once when requested', (request, expected) => {
    const world = new World();
    world.check();
    world.request(request);
    expect(world.check()).toEqual(expected);
    expect(world.check()).toEqual(expected.slice(-1));
  });

  it('renews at two thirds of the lifetime, or up to a twentieth earlier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xff_ff_ff }), (number) => {
        const serial = number.toString(16).padStart(6, '0');
        const at = renewalOf({ serial, notBefore: start, notAfter: start + 30 * days });
        expect(at).toBeLessThanOrEqual(start + 20 * days);
        expect(at).toBeGreaterThanOrEqual(start + 18.5 * days - 1);
      }),
    );
  });

  it('replaces nothing when the clock of a replica is slow', () => {
    const world = new World();
    world.check();
    const [ca] = world.stored?.authorities ?? [];
    for (const now of [start + 10 * minutes, ca ? renewalOf(ca) : 0]) {
      world.now = now;
      world.check();
      expect(nextStep(world.stored, now - 100 * days)).toMatchObject({ do: 'wait' });
    }
    expect(world.stored?.next?.publishedAt).toBe(world.now);
  });
});
