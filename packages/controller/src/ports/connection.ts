import type net from 'node:net';
import { isLocalPeer, isSameMachine, peerOf } from './peer-of.ts';
import type { RefusalReason } from './refusal-reason.ts';

/**
 * Stage of a connection, in the order in which connections are closed for new ones: no byte received; handshake; no open request;
 * open requests that have no answer yet; open requests with an answer; accepted by the server. The last are never closed for others.
 */
export const stages = ['silent', 'opening', 'idle', 'waiting', 'answered', 'trusted'] as const;
export type Stage = (typeof stages)[number];

/** Security of a connection, for the handlers of its calls. */
export interface ConnectionSecurity {
  readonly encrypted: boolean;
  /** Client certificate (DER), whose key the peer proved to hold. Nothing else about it is verified. */
  readonly certificate?: Buffer;
  /** Other certificates (DER) that the peer sent with it. Nothing about them is verified. */
  readonly intermediates?: readonly Buffer[];
  /** True for a connection to the private listener, for processes of the plugins folder. */
  readonly isPrivate: boolean;
  /** Address that the peer counts for. */
  readonly peer: string;
  /** True if the peer is a process of this machine or pod. */
  readonly isSameMachine: boolean;
}

let count = 0;

/** Accepted connection, with its place in the limits of its port. */
export class Connection implements ConnectionSecurity {
  readonly id = String(++count);
  readonly socket: net.Socket;
  readonly peer: string;
  readonly isLocal: boolean;
  readonly isSameMachine: boolean;
  readonly isPrivate: boolean;
  encrypted = false;
  certificate?: Buffer;
  intermediates?: readonly Buffer[];
  stage: Stage = 'silent';
  /** Times of `performance.now()`. `since`: of the beginning or end of the last request. */
  readonly createdAt = performance.now();
  since = this.createdAt;
  /** Checks the requests of the connection, and closes it if there is a reason. */
  inspect?: (now: number) => void;
  #openRequests = 0;
  #isRefused = false;
  readonly #onStage: (connection: Connection, stage: Stage) => void;
  readonly #onRefused: (connection: Connection, reason: RefusalReason) => void;

  constructor(
    socket: net.Socket,
    isPrivate: boolean,
    onStage: (connection: Connection, stage: Stage) => void,
    onRefused: (connection: Connection, reason: RefusalReason) => void = () => undefined,
  ) {
    this.socket = socket;
    this.peer = peerOf(socket.remoteAddress);
    this.isLocal = isLocalPeer(this.peer);
    this.isSameMachine = isSameMachine(socket);
    this.isPrivate = isPrivate;
    this.#onStage = onStage;
    this.#onRefused = onRefused;
  }

  get openRequests(): number {
    return this.#openRequests;
  }

  /** Records that a request has begun. */
  requestOpened(): void {
    this.#openRequests++;
    if (this.stage !== 'answered') this.#enter('waiting');
  }

  /** Records that an open request has an answer, or the beginning of one. */
  requestAnswered(): void {
    this.#enter('answered');
  }

  requestClosed(): void {
    this.#openRequests--;
    if (this.#openRequests === 0) this.#enter('idle');
  }

  /** Protects the connection from being closed for a new one, as its peer is accepted. */
  trust(): void {
    if (this.stage !== 'trusted') this.#enter('trusted');
  }

  /** Records that the peer has sent its first bytes. */
  heard(): void {
    if (this.stage === 'silent') this.#enter('opening');
  }

  /** Closes the connection, and reports the reason. */
  refuse(reason: RefusalReason): void {
    this.reportRefusal(reason);
    this.destroy();
  }

  /**
   * Reports the reason for which the connection is about to be closed. Only the first one counts.
   * @param isClosed true if the connection has been closed for it already. Otherwise closed connections are not reported.
   */
  reportRefusal(reason: RefusalReason, isClosed = false): void {
    if (this.#isRefused || (this.socket.destroyed && !isClosed)) return;
    this.#isRefused = true;
    this.#onRefused(this, reason);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #enter(stage: Stage): void {
    // A trusted connection stays trusted; its time is that of its last request.
    this.since = performance.now();
    if (this.stage !== 'trusted' && this.stage !== stage) this.#onStage(this, stage);
  }
}
