import type { Identity } from './identity.ts';
import type { Lease, Registration } from './registration.ts';

/**
 * State of an instance.
 *
 * - `live`: its lease is valid; it gets calls.
 * - `suspect`: its stream broke, or it didn't answer.
 * - `draining`: it is stopping; it gets no new calls.
 * - `gone`: its lease expired, or it stopped.
 */
export type InstanceState = 'live' | 'suspect' | 'draining' | 'gone';

/**
 * Reason for the state `suspect`.
 *
 * - `StreamBroken`: its session or the connection to it broke. It may still be live: it is checked before the next call.
 * - `Unreachable`: it didn't answer a call or a check. It gets no calls until it answers a check.
 */
export type SuspectReason = 'StreamBroken' | 'Unreachable';

/** Instance of a plugin: one process at one address. */
export interface Instance {
  readonly registration: Registration;
  /** Identity that its process proved. */
  readonly identity: Identity;
  readonly state: InstanceState;
  /** Reason for the state `suspect`; `undefined` in any other state. */
  readonly suspectReason: SuspectReason | undefined;
  /** Explanation of the state, for people; empty while live. */
  readonly stateReason: string;
  /** APIs that it reports not to serve now, while it serves others. */
  readonly unserved: ReadonlySet<string>;
  /** Time of the first registration, in milliseconds since the epoch. */
  readonly registeredAt: number;
  /** Time of the last heartbeat, in milliseconds since the epoch. */
  readonly lastHeardAt: number;
}

/** Change of one instance. */
export interface InstanceChange {
  /** Instance after the change; its state is `gone` if it was removed. */
  instance: Instance;
  /** Former state; `undefined` for an instance that was added. */
  from: InstanceState | undefined;
  /** Reports whether the registration changed, not only the state. */
  registrationChanged: boolean;
}

/** Session that an instance keeps open. */
export interface Session {
  /** Notifies the instance of its lease, and whether it is to drain. */
  notify(lease: Lease, drain: boolean): void;
}
