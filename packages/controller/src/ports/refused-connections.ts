import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import { type RefusalReason, refusalReasons } from './refusal-reason.ts';

/** Port whose connections are counted. */
export type PortName = 'heartbeat' | 'admin' | 'metrics' | 'probes';

/** Receives each connection that a port refused or closed, for metrics. Must not throw. */
export interface ConnectionObserver {
  connectionRefused(port: PortName, reason: RefusalReason): void;
}

/** Log and metrics of refused connections. */
export interface RefusalReporter {
  log: Logger;
  observer: ConnectionObserver;
}

interface Pending {
  timer: NodeJS.Timeout;
  /** Connections since the last line, and the address of the last of them. */
  count: number;
  peer: string;
}

/**
 * Connections that a port refused or closed: each is counted, and one line per reason and minute is logged, immediately for the first one.
 * Connections that were idle are logged for debugging only, as that is usual.
 */
export class RefusedConnections {
  readonly #port: PortName;
  readonly #reporter: RefusalReporter | undefined;
  readonly #pending = new Map<RefusalReason, Pending>();

  constructor(port: PortName, reporter: RefusalReporter | undefined) {
    this.#port = port;
    this.#reporter = reporter;
  }

  /** @param peer address that the connection counts for. */
  add(reason: RefusalReason, peer: string): void {
    this.#reporter?.observer.connectionRefused(this.#port, reason);
    const pending = this.#pending.get(reason);
    if (pending) {
      pending.count++;
      pending.peer = peer;
      return;
    }
    this.#log(reason, 1, peer);
    const timer = setInterval(() => this.#report(reason), limits.ports.refusalLogInterval).unref();
    this.#pending.set(reason, { timer, count: 0, peer });
  }

  /** Ends the reports. */
  close(): void {
    for (const { timer } of this.#pending.values()) clearInterval(timer);
    this.#pending.clear();
  }

  #report(reason: RefusalReason): void {
    const pending = this.#pending.get(reason);
    if (!pending) return;
    if (pending.count === 0) {
      clearInterval(pending.timer);
      this.#pending.delete(reason);
      return;
    }
    this.#log(reason, pending.count, pending.peer);
    pending.count = 0;
  }

  #log(reason: RefusalReason, connections: number, peer: string): void {
    const details = { port: this.#port, reason, connections, peer };
    const what = connections === 1 ? `a connection from ${peer}` : `${connections} connections, the last from ${peer}`;
    const level = reason === 'idle' ? 'debug' : 'warn';
    this.#reporter?.log[level](details, `closed ${what} to the ${this.#port} port: ${refusalReasons[reason]}`);
  }
}
