import { Code, ConnectError } from '@connectrpc/connect';

/** Kind of a failure, by what the user can do about it. */
export type ProblemKind = 'unreachable' | 'signed-out' | 'forbidden' | 'missing' | 'unsupported' | 'busy' | 'failed';

/** A failure for people: what happened, and what to do next. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly title: string;
  /** What the operator or the browser said. */
  readonly detail: string;
  readonly advice: string;
}

const texts: Readonly<Record<ProblemKind, Pick<Problem, 'title' | 'advice'>>> = {
  unreachable: {
    title: 'The operator can’t be reached',
    advice:
      'Check that the operator runs and that the port-forward or proxy to it is open. `kplug doctor` examines both.',
  },
  'signed-out': {
    title: 'You are not signed in',
    advice:
      'The operator did not accept the token of this session, or it has expired. Open the page again with `kplug ui`.',
  },
  forbidden: {
    title: 'You are not allowed to see this',
    advice:
      'The admin port asks for the right to get `plugins/admin` in the namespace of the operator. Ask an administrator of the cluster for the Role of the chart.',
  },
  missing: { title: 'Not found', advice: 'It may have been deleted, or the link may be mistyped.' },
  unsupported: {
    title: 'This operator doesn’t offer this',
    advice: 'The page and the operator are of different versions. Reload the page.',
  },
  busy: { title: 'The operator has too many readers', advice: 'Close other windows of this page, then try again.' },
  failed: { title: 'The operator could not answer', advice: 'Try again. The log of the operator has the details.' },
};

const kinds: Partial<Record<Code, ProblemKind>> = {
  [Code.Unavailable]: 'unreachable',
  [Code.DeadlineExceeded]: 'unreachable',
  [Code.Canceled]: 'unreachable',
  [Code.Aborted]: 'unreachable',
  [Code.Unauthenticated]: 'signed-out',
  [Code.PermissionDenied]: 'forbidden',
  [Code.NotFound]: 'missing',
  [Code.Unimplemented]: 'unsupported',
  [Code.ResourceExhausted]: 'busy',
};

/** Describes any error. A broken connection is no error of a service: browsers report it as a TypeError. */
export function problemOf(error: unknown): Problem {
  const known = ConnectError.from(error);
  const isBroken = known.cause instanceof TypeError;
  const kind = kinds[known.code] ?? (isBroken ? 'unreachable' : 'failed');
  return { kind, ...texts[kind], detail: known.rawMessage };
}

/** The stream ended without an error, as it does when the operator stops. */
export const streamEnded: Problem = {
  kind: 'unreachable',
  ...texts.unreachable,
  detail: 'the operator ended the connection',
};

/** The page was hidden, so that it closed its connection. */
export const hidden: Problem = { kind: 'unreachable', title: 'The page was in the background', detail: '', advice: '' };
