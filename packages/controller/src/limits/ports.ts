import { bytes, count, KiB, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the connections to all ports. */
export const ports = {
  backlog: count(511, 'Maximum number of connections that wait to be accepted.'),
  maxListenAttempts: count(20, 'Maximum number of attempts to find a port that is free in IPv4 and IPv6.'),
  sweepInterval: milliseconds(1 * seconds, 'Interval at which the time-outs of connections are checked.'),
  maxIntermediates: count(8, 'Maximum number of other certificates of a client that are considered.'),
  startsPerTurn: count(
    4,
    'Maximum number of connections whose first bytes are handled in one iteration of the event loop.',
  ),
  requestsPerTurn: count(50, 'Maximum number of requests of a port that begin in one iteration of the event loop.'),
  maxResets: count(100, 'Maximum number of requests in a row that a peer cancels on one connection.'),
  resetInterval: milliseconds(50, 'Interval after which one more may be cancelled.'),
  maxControlFrames: count(1_000, 'Maximum number of PING and SETTINGS frames in a row on one connection.'),
  controlFrameInterval: milliseconds(10, 'Interval after which one more may follow.'),
  maxInvalidFrames: count(100, 'Maximum number of invalid frames on one connection.'),
  maxInput: bytes(16 * MiB, 'Maximum size of the input of one connection beyond that of its requests.'),
  inputPerRequest: bytes(64 * KiB, 'Input that a request is counted with.'),
  inputRate: bytes(4 * MiB, 'Input in a second that one connection may have in addition.'),
  maxUnansweredInput: bytes(
    2 * MiB,
    'Maximum size of the requests of one connection that have no answer yet, before one was accepted.',
  ),
  maxUnreadResponses: bytes(
    1 * MiB,
    'Maximum size of responses that wait to be read before a connection gets no further ones.',
  ),
  refusalLogInterval: milliseconds(
    1 * minutes,
    'Interval of log lines about connections to a port that were refused for the same reason.',
  ),
  stallTimeout: milliseconds(30 * seconds, 'Time in which a peer must read some of a response that waits.'),
};
