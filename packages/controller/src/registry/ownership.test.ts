import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Claim } from './claim.ts';
import type { Identity } from './identity.ts';
import { nameOfRefusal, RefusedRegistration } from './refusal.ts';
import { Registry } from './registry.ts';
import { ManualClock, registrationOf } from './testing.ts';

const nameRetention = 60_000;
const hour = 3_600_000;

let registry: Registry;

beforeEach(() => {
  registry = new Registry({ clock: new ManualClock(), nameRetention });
});

const loopback = (secret?: string): Claim => ({ identity: { kind: 'loopback' }, ...(secret && { secret }) });

const pod = (name: string, uid: string, namespace = 'databases'): Claim => ({
  identity: { kind: 'serviceaccount', namespace, name, pod: { name: `${name}-1`, uid } },
});

const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof RefusedRegistration) return nameOfRefusal(error.reason);
    throw error;
  }
  return 'accepted';
};

describe('an instance id', () => {
  it('belongs to the process that brings its secret', () => {
    registry.register(registrationOf(), loopback('its-own'));
    expect(registry.issueSecret('one')).toBeUndefined();
    for (const secret of [undefined, 'a-guess', 'its-own2']) {
      expect(reasonOf(() => registry.register(registrationOf(), loopback(secret)))).toBe('UNAUTHENTICATED');
      expect(reasonOf(() => registry.deregister('one', loopback(secret)))).toBe('UNAUTHENTICATED');
    }
    expect(registry.get('one')?.state).toBe('live');
    expect(reasonOf(() => registry.register(registrationOf({ weight: 7 }), loopback('its-own')))).toBe('accepted');
  });

  it('gets a secret once if its process brought none', () => {
    registry.register(registrationOf(), loopback());
    const secret = registry.issueSecret('one');
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(registry.issueSecret('one')).toBeUndefined();
    expect(reasonOf(() => registry.register(registrationOf(), loopback()))).toBe('UNAUTHENTICATED');
    expect(reasonOf(() => registry.register(registrationOf(), loopback(secret)))).toBe('accepted');
  });

  it('belongs to the pod that a token is bound to, without a secret', () => {
    registry.register(registrationOf(), pod('postgresql', 'uid-1'));
    expect(registry.issueSecret('one')).toBeUndefined();
    expect(reasonOf(() => registry.register(registrationOf(), pod('postgresql', 'uid-1')))).toBe('accepted');
    expect(reasonOf(() => registry.register(registrationOf(), pod('postgresql', 'uid-2')))).toBe('UNAUTHENTICATED');
    expect(reasonOf(() => registry.deregister('one', pod('mariadb', 'uid-3')))).toBe('UNAUTHENTICATED');
  });

  it.each(['suspect', 'draining'])('can not be taken over while the instance is %s', (state) => {
    const session = { notify: () => undefined };
    registry.register(registrationOf(), loopback('its-own'), session);
    if (state === 'suspect') registry.sessionEnded('one', session);
    else registry.deregister('one', loopback('its-own'));
    const steal = () => registry.register(registrationOf(), loopback('a-guess'), { notify: () => undefined });
    expect(reasonOf(steal)).toBe('UNAUTHENTICATED');
    expect(registry.get('one')?.state).toBe(state);
  });

  it('is live again when its owner registers after it deregistered, but not after the controller asked it to stop', () => {
    registry.register(registrationOf(), loopback('its-own'));
    registry.deregister('one', loopback('its-own'));
    registry.beat('one');
    expect(registry.get('one')?.state).toBe('draining');
    registry.register(registrationOf(), loopback('its-own'));
    expect(registry.get('one')?.state).toBe('live');
    registry.markDraining('one', 'its pod is being deleted');
    registry.register(registrationOf(), loopback('its-own'), { notify: () => undefined });
    expect(registry.get('one')?.state).toBe('draining');
  });

  it('belongs to its former identity after a restart of the controller, which no longer knows the secret', () => {
    const { identity } = pod('postgresql', 'uid-1');
    registry.restore(registrationOf(), Date.now(), identity);
    expect(reasonOf(() => registry.register(registrationOf(), pod('postgresql', 'uid-2')))).toBe('UNAUTHENTICATED');
    expect(reasonOf(() => registry.register(registrationOf(), pod('postgresql', 'uid-1')))).toBe('accepted');
  });
});

describe('a plugin name', () => {
  const second = { instanceId: 'two', address: '10.0.0.2:7000' };

  it('belongs to the identity that registered it, in any spelling', () => {
    registry.register(registrationOf(), pod('postgresql', 'uid-1'));
    const thief = () => registry.register(registrationOf({ ...second, plugin: 'POSTGRESQL' }), pod('thief', 'uid-2'));
    expect(reasonOf(thief)).toBe('NAME_TAKEN');
    expect(thief).toThrow(/belongs to serviceaccount:databases\/postgresql; this is serviceaccount:databases\/thief/);
    expect(reasonOf(() => registry.register(registrationOf(second), pod('postgresql', 'uid-3')))).toBe('accepted');
  });

  it('can not be changed to one that belongs to another identity', () => {
    registry.register(registrationOf(), pod('postgresql', 'uid-1'));
    registry.register(registrationOf({ ...second, plugin: 'MariaDB' }), pod('mariadb', 'uid-2'));
    const rename = () => registry.register(registrationOf({ ...second }), pod('mariadb', 'uid-2'));
    expect(reasonOf(rename)).toBe('NAME_TAKEN');
    expect(registry.get('two')?.registration.plugin).toBe('MariaDB');
  });

  it('is free when its last instance has been gone for the retention time', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    registry.register(registrationOf(), pod('postgresql', 'uid-1'));
    registry.evict('one', 'gone');
    const other = () => registry.register(registrationOf(second), pod('other', 'uid-2'));
    expect(reasonOf(other)).toBe('NAME_TAKEN');
    expect(other).toThrow(/until \d{4}-/);
    vi.advanceTimersByTime(nameRetention);
    expect(reasonOf(other)).toBe('accepted');
  });

  it('belongs to its former owner after a restart of the controller', () => {
    registry.restoreName('PostgreSQL', 'serviceaccount:databases/postgresql', Date.now());
    registry.restoreName('MariaDB', 'serviceaccount:databases/mariadb', Date.now() - hour);
    expect(reasonOf(() => registry.register(registrationOf(), pod('thief', 'uid-2')))).toBe('NAME_TAKEN');
    expect(reasonOf(() => registry.register(registrationOf({ plugin: 'MariaDB' }), pod('thief', 'uid-2')))).toBe(
      'accepted',
    );
  });

  it('is shared by the processes of one machine: those of the plugins folder and those on the loopback interface', () => {
    registry.register(registrationOf(), { identity: { kind: 'folder', name: 'postgresql' } });
    expect(reasonOf(() => registry.register(registrationOf(second), loopback('its-own')))).toBe('accepted');
  });

  it('is free as soon as a plugin of the operator is gone, so that it can run in pods instead', () => {
    registry.register(registrationOf(), { identity: { kind: 'folder', name: 'postgresql' } });
    const other = () => registry.register(registrationOf(second), pod('postgresql', 'uid-1'));
    expect(reasonOf(other)).toBe('NAME_TAKEN');
    registry.evict('one', 'gone');
    expect(reasonOf(other)).toBe('accepted');
  });

  it('belongs to nobody while only unproven instances have it', () => {
    const anonymous: Identity = { kind: 'anonymous' };
    registry.register(registrationOf(), { identity: anonymous });
    expect(reasonOf(() => registry.register(registrationOf(second), pod('postgresql', 'uid-1')))).toBe('accepted');
  });
});
