import { type Connection, type Stage, stages } from './connection.ts';
import type { RefusalReason } from './refusal-reason.ts';

/** Limits of a table. */
export interface TableLimits {
  maxConnections: number;
  /** Maximum number from one peer. Processes of this machine share one address, so that it doesn't apply to them. */
  maxConnectionsPerPeer: number;
}

type Queues = Record<Stage, Set<Connection>>;

/** Open connections of a port. When it is full, new connections replace older ones of the earliest stage, so that a flood replaces itself. */
export class ConnectionTable {
  readonly #limits: TableLimits;
  readonly #queues = emptyQueues();
  readonly #peers = new Map<string, Queues>();
  #size = 0;

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (const stage of stages) yield* this.#queues[stage];
  }

  /** Adds a connection, and closes another one for it if the table is full. Closes it and returns false if there is no room. */
  add(connection: Connection): boolean {
    const { maxConnections, maxConnectionsPerPeer } = this.#limits;
    const ofPeer = this.#peers.get(connection.peer);
    if (!connection.isLocal && ofPeer && sizeOf(ofPeer) >= maxConnectionsPerPeer) {
      if (!this.#makeRoom(ofPeer, 'too-many-from-peer')) return refuse(connection, 'too-many-from-peer');
    }
    if (this.#size >= maxConnections && !this.#makeRoom(this.#queues, 'too-many'))
      return refuse(connection, 'too-many');
    this.#size++;
    this.#queues[connection.stage].add(connection);
    // The peer's queues may have been removed together with its last connection.
    const queues = this.#peers.get(connection.peer) ?? emptyQueues();
    this.#peers.set(connection.peer, queues);
    queues[connection.stage].add(connection);
    return true;
  }

  move(connection: Connection, stage: Stage): void {
    const isKnown = this.#queues[connection.stage].delete(connection);
    const queues = this.#peers.get(connection.peer);
    queues?.[connection.stage].delete(connection);
    connection.stage = stage;
    if (!isKnown) return;
    this.#queues[stage].add(connection);
    queues?.[stage].add(connection);
  }

  remove(connection: Connection): void {
    if (!this.#queues[connection.stage].delete(connection)) return;
    this.#size--;
    const queues = this.#peers.get(connection.peer);
    queues?.[connection.stage].delete(connection);
    if (queues && sizeOf(queues) === 0) this.#peers.delete(connection.peer);
  }

  #makeRoom(queues: Queues, reason: RefusalReason): boolean {
    for (const stage of stages) {
      if (stage === 'trusted') return false;
      const [oldest] = queues[stage];
      if (!oldest) continue;
      this.remove(oldest);
      oldest.refuse(reason);
      return true;
    }
    return false;
  }
}

function refuse(connection: Connection, reason: RefusalReason): false {
  connection.refuse(reason);
  return false;
}

function emptyQueues(): Queues {
  return {
    silent: new Set(),
    opening: new Set(),
    idle: new Set(),
    waiting: new Set(),
    answered: new Set(),
    trusted: new Set(),
  };
}

function sizeOf(queues: Queues): number {
  return stages.reduce((sum, stage) => sum + queues[stage].size, 0);
}
