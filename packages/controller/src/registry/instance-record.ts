import type { Implementation } from './implementation.ts';
import type { Instance, InstanceState, Session, Suspicion } from './instance.ts';
import type { Leased } from './lease-queue.ts';
import type { Registration } from './registration.ts';

const none: ReadonlySet<string> = new Set();

/** An instance as the registry keeps it. A class, as 100,000 of one hidden class take less memory than as many literals. */
export class InstanceRecord implements Instance, Leased {
  registration: Registration;
  /** The implementations that it is an instance of, one for each API. */
  implementations: readonly Implementation[];
  state: InstanceState = 'live';
  suspicion: Suspicion | undefined;
  stateReason = '';
  unserved: ReadonlySet<string> = none;
  readonly registeredAt: number;
  lastHeardAt: number;
  session: Session | undefined;
  drainRequested = false;

  ttl: number;
  expiresAt = 0;
  earlier: this | undefined;
  later: this | undefined;

  constructor(registration: Registration, implementations: readonly Implementation[], heardAt: number) {
    this.registration = registration;
    this.implementations = implementations;
    this.ttl = registration.lease.ttl;
    this.registeredAt = heardAt;
    this.lastHeardAt = heardAt;
  }
}
