import type { Lease, Registration } from './registration.ts';

/**
 * What the registry thinks of an instance.
 *
 * - `live`: heard within its lease; gets calls.
 * - `suspect`: its stream broke or a call to it was refused.
 * - `draining`: stopping; gets no new calls.
 * - `gone`: its lease ended, or it has stopped.
 */
export type InstanceState = 'live' | 'suspect' | 'draining' | 'gone';

/**
 * Why an instance is suspect.
 *
 * - `StreamBroken`: its session or a kept connection to it broke. It may well live: whoever is about to call it checks first.
 * - `Unreachable`: it didn't answer when it was called or checked. It gets no calls until it answers a check.
 */
export type Suspicion = 'StreamBroken' | 'Unreachable';

/** An instance as everybody but the registry sees it. */
export interface Instance {
  readonly registration: Registration;
  readonly state: InstanceState;
  /** Why it is suspect; `undefined` in any other state. */
  readonly suspicion: Suspicion | undefined;
  /** Why the state is what it is, for people; empty while live. */
  readonly stateReason: string;
  /** The APIs of which it reports that it doesn't serve them now, while it serves others. */
  readonly unserved: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  readonly lastHeardAt: number;
}

/** How the registry reaches an instance that keeps a session. */
export interface Session {
  /** Tells the instance of changed terms. */
  notify(lease: Lease, drain: boolean): void;
}
