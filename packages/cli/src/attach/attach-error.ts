import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';

/** Returns the failure of creating an attachment for people, with what to do next. */
export function explainRefusal(error: unknown, namespace: string, clusterRole: string): unknown {
  const reason = reasonOf(error);
  if (reason === 'Forbidden') {
    const advice = `ask an administrator for a RoleBinding in ${namespace} to the ClusterRole ${clusterRole} of the chart`;
    return new CommandError('failed', `you may not attach plugins in the namespace ${namespace}: ${advice}`, {
      cause: error,
    });
  }
  if (reason !== 'NotFound') return error;
  const advice =
    'the namespace does not exist, or the cluster has no kind Attachment; see "kubectl get crd attachments.attachments.kplug.dev"';
  return new CommandError('notFound', `nothing can be attached in the namespace ${namespace}: ${advice}`, {
    cause: error,
  });
}

/** Returns the failure of reaching the operator for people, with what to do next. */
export function explainUnreachable(error: unknown): unknown {
  if (!isRefused(error)) return error;
  const advice = "ask an administrator to add a group of yours to attach.groups of the operator's chart";
  return new CommandError('failed', `you may not reach the operator: ${messageOf(error)}; ${advice}`, { cause: error });
}

/** Reports whether a request failed because the attachment may not be renewed any more. */
export function isRefused(error: unknown): boolean {
  return reasonOf(error) === 'Forbidden';
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { reason?: unknown } };
  return typeof cause?.reason === 'string' ? cause.reason : messageOf(error);
}
