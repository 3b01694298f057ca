import { type FinalizeRequest, Outcome, type ReconcileRequest, Severity } from '@kplug/protocol';
import type { Logger } from 'pino';
import type { ApiPart } from './definition.ts';
import type { FinalizeAnswer } from './finalize-answer.ts';
import { limitAnswers } from './limit-answer.ts';
import { type PluginHandlers, pluginHandlers } from './plugin-service.ts';
import { ResourceLocks } from './resource-locks.ts';

/**
 * Answers the calls of a plugin: routes each one to the functions that implement its API, and limits the size of its answer.
 *
 * @param maxAnswerSize in bytes.
 */
export function answerCalls(parts: readonly ApiPart[], log: Logger, maxAnswerSize: number): PluginHandlers {
  return limitAnswers(apiHandlers(parts, log), maxAnswerSize);
}

/** Routes each call to the functions that implement its API. */
function apiHandlers(parts: readonly ApiPart[], log: Logger): PluginHandlers {
  const locks = new ResourceLocks();
  const byApi = new Map<string, PluginHandlers>();
  const all = parts.map(({ apis, implementation }) => {
    const handlers = pluginHandlers(implementation, log, locks);
    for (const { name, version } of apis) {
      byApi.set(`${name}@${version}`, handlers);
      // A call for an unknown version of the API gets the first implementation of that API.
      if (!byApi.has(name)) byApi.set(name, handlers);
    }
    return handlers;
  });
  const [only, ...others] = all;
  if (only && others.length === 0) return only;
  const find = ({ assignment }: ReconcileRequest | FinalizeRequest) =>
    byApi.get(`${assignment?.api}@${assignment?.apiVersion}`) ?? byApi.get(assignment?.api ?? '');
  return {
    reconcile: async (request, signal) => find(request)?.reconcile(request, signal) ?? refuse(request),
    finalize: async (request, signal) => find(request)?.finalize(request, signal) ?? refuse(request),
  };
}

function refuse({ assignment }: ReconcileRequest | FinalizeRequest): FinalizeAnswer {
  const text = `this plugin doesn't implement the API "${assignment?.api ?? ''}"`;
  const message = { severity: Severity.ERROR, reason: 'UnknownApi', text, target: '' };
  return { outcome: Outcome.TERMINAL, messages: [message] };
}
