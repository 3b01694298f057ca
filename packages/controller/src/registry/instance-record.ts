import type { InstanceOwner } from './claim.ts';
import type { FlapLimit } from './flap-limit.ts';
import type { Identity } from './identity.ts';
import type { Implementation } from './implementation.ts';
import type { Instance, InstanceState, Session, SuspectReason } from './instance.ts';
import type { Leased } from './lease-queue.ts';
import type { Registration } from './registration.ts';

const none: ReadonlySet<string> = new Set();

/** Instance as the registry stores it. A class, as 100,000 objects of one hidden class take less memory than literals. */
export class InstanceRecord implements Instance, Leased {
  registration: Registration;
  /** Implementations that it is an instance of, one for each API. */
  implementations: readonly Implementation[];
  state: InstanceState = 'live';
  suspectReason: SuspectReason | undefined;
  stateReason = '';
  unserved: ReadonlySet<string> = none;
  readonly owner: InstanceOwner;
  readonly registeredAt: number;
  lastHeardAt: number;
  session: Session | undefined;
  drainRequested = false;
  /** True while it is draining because its owner deregistered it. */
  deregistered = false;
  /** Key of who brought the registration, by which it is counted. */
  readonly holder: string;
  flaps: FlapLimit | undefined;
  /** State that takes effect when the instance, which changes too often, is no longer held; `undefined` if it isn't. */
  held:
    | { state: InstanceState; reason: string; suspectReason: SuspectReason | undefined; cancel: () => void }
    | undefined;

  ttl: number;
  expiresAt = 0;
  earlier: this | undefined;
  later: this | undefined;

  constructor(
    registration: Registration,
    implementations: readonly Implementation[],
    owner: InstanceOwner,
    heardAt: number,
    holder = '',
  ) {
    this.registration = registration;
    this.owner = owner;
    this.holder = holder;
    this.implementations = implementations;
    this.ttl = registration.lease.ttl;
    this.registeredAt = heardAt;
    this.lastHeardAt = heardAt;
  }

  get identity(): Identity {
    return this.owner.identity;
  }
}
