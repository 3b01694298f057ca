import type { Case, Finding } from '../finding.ts';
import { argumentsFor, kubectlArgumentsFor } from '../words.ts';

/** A dependent isn't ready. */
export function unreadyDependent({ known, culprit }: Case): Finding | undefined {
  const { reason, message } = known.state;
  if (!reason.startsWith('Dependent')) return undefined;
  if (reason === 'DependentForbidden') {
    const advice = `Allow it in the delegation ${known.delegation.settings.name}, or let the plugin request something else`;
    return { reason, summary: `A dependent that a plugin requests isn't allowed: ${message}`, advice };
  }
  if (culprit?.relation !== 'dependent') {
    return {
      reason,
      summary: `${known.name}: ${message}`,
      advice: `Look at its dependents: "kplug trace ${argumentsFor(known)}"`,
    };
  }
  const { name, key } = culprit;
  const advice = `Look at it: "kubectl describe ${kubectlArgumentsFor(key)}"`;
  return { reason, summary: `The dependent ${name} ${stateOf(reason, culprit.reason)}: ${culprit.message}`, advice };
}

function stateOf(reason: string, own: string): string {
  if (own === 'Failed') return 'failed';
  if (own === 'Deleting') return 'is not gone yet';
  return reason === 'DependentTimedOut' ? 'has not become ready in time' : "isn't ready";
}
