import type { ExtensionProblem } from '../../delegation/extensions/gather.ts';
import { describeReference } from '../../resources/resource.ts';
import type { Case, Finding } from '../finding.ts';
import { formatKind, kubectlArgumentsFor } from '../words.ts';

/** An extension that the plugin understands can't be resolved. */
export function unresolvedExtension({ known }: Case): Finding | undefined {
  const { state, gathered, name, delegation } = known;
  if (state.state !== 'waiting' && state.reason !== 'Forbidden') return undefined;
  const problem = gathered.problems.find(({ reason, message }) => reason === state.reason && message === state.message);
  if (!problem?.reference) return undefined;
  const path = `.${delegation.settings.extensions.path.join('.')}`;
  const extension = `${describeReference(problem.reference)} (${problem.reference.apiVersion})`;
  return describe(problem, { extension, name, path });
}

function describe(
  { reason, message, reference }: ExtensionProblem,
  { extension, name, path }: { extension: string; name: string; path: string },
): Finding {
  if (reason === 'ExtensionNotFound') {
    const summary = `The extension ${extension}, which ${name} references, doesn't exist`;
    return { reason, summary, advice: `Create it, or remove the reference from ${path} of ${name}` };
  }
  if (reason === 'KindNotFound' && reference) {
    const summary = `The kind ${formatKind(reference)} of an extension that ${name} references doesn't exist`;
    return { reason, summary, advice: 'Install its CustomResourceDefinition; the operator notices that by itself' };
  }
  const summary = `The extension ${extension}, which ${name} references, can't be read: ${message}`;
  return { reason, summary, advice: 'Find out why the API server doesn\'t answer the operator: "kplug doctor"' };
}

/** A plugin names an extension that isn't ready. */
export function unreadyExtension({ culprit }: Case): Finding | undefined {
  if (culprit?.relation !== 'extension') return undefined;
  const { name, reason, message, key } = culprit;
  return {
    reason,
    summary: `The extension ${name} isn't ready: ${[reason, message].filter(Boolean).join(': ')}`,
    advice: `Look at it: "kubectl describe ${kubectlArgumentsFor(key)}"`,
  };
}
