import type { PluginAnswer, PluginCall } from '../clients/plugin-call.ts';
import type { KplugError } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Gathered } from './gather.ts';
import type { PassContext } from './pass-context.ts';

/** How the call of one plugin ended. */
export interface Attempt {
  implementation: Implementation;
  answer: PluginAnswer | undefined;
  error: KplugError | undefined;
}

/** The call of one plugin for one resource. */
export function callFor(
  { settings, dependents }: PassContext,
  { base, extensions }: Gathered,
  { api }: Implementation,
  { reason, message }: { reason: string; message: string },
  attempt: number,
): PluginCall {
  const assignment = { delegation: settings.name, api: settings.api, apiVersion: api.version.version, reason, message };
  return { base, extensions, dependents: dependents.of(base), assignment, attempt };
}

/** Why a resource isn't as it should be, and what follows. */
export interface Failure {
  reason: string;
  message: string;
  /** Trying again can't help until something changes. */
  terminal: boolean;
  /** When to try again, in milliseconds; `undefined` for the back-off. */
  retryAfter: number | undefined;
}

/** What a call that wasn't a success says to the user. */
export function failureOf({ implementation, answer, error }: Attempt): Failure {
  if (!answer) {
    const message = error?.message ?? 'it failed without a word';
    return { reason: error?.code ?? 'PluginFailed', message, terminal: false, retryAfter: undefined };
  }
  const gravest =
    answer.messages.find(({ severity }) => severity === 'error') ??
    answer.messages.find(({ severity }) => severity === 'warning') ??
    answer.messages[0];
  const who = `${implementation.plugin} ${implementation.version}`;
  return {
    reason: gravest?.reason ?? 'PluginFailed',
    message: gravest ? `${who}: ${gravest.text}` : `${who} failed and gave no reason`,
    terminal: answer.outcome === 'terminal',
    retryAfter: answer.retryAfter,
  };
}
