import type { ExplainResourceResponse } from '@kplug/protocol/services';
import { shown } from '../format/shown.ts';
import { formatSpan, millisecondsOf } from '../format/time.ts';

/** Describes the status of a resource in sentences, as of a time in milliseconds. */
export function statusSentences(explained: ExplainResourceResponse, now: number): string[] {
  const { nextPassAt, answerHoldsUntil } = explained;
  return [
    generationOf(explained),
    pluginOf(explained),
    preferenceOf(explained),
    until(millisecondsOf(nextPassAt), now, 'The next pass is due', 'unless something changes before'),
    until(
      millisecondsOf(answerHoldsUntil),
      now,
      'The last answer holds',
      'so that passes with equal input make no call',
      'for',
    ),
  ].filter((sentence) => sentence !== '');
}

function generationOf({ resource }: ExplainResourceResponse): string {
  if (!resource) return '';
  const { generation, observedGeneration } = resource;
  if (observedGeneration === 0n) return `It has no status yet; the resource is at generation ${generation}.`;
  if (observedGeneration < generation) {
    return `Its status is of generation ${observedGeneration}, an older specification; the resource is at generation ${generation}.`;
  }
  return `Its status is of its newest generation, ${generation}.`;
}

function pluginOf({ resource, reason, message }: ExplainResourceResponse): string {
  const { plugin = '', pluginVersion = '' } = resource ?? {};
  const why = sentence(shown(message || reason));
  return plugin
    ? `It is assigned to ${shown(`${plugin} ${pluginVersion}`.trim(), 120)}. ${why}`
    : `It is assigned to no plugin. ${why}`;
}

function preferenceOf({ preference, resource }: ExplainResourceResponse): string {
  if (!preference) return '';
  const isMet = preference.toLowerCase() === resource?.plugin.toLowerCase();
  return `It prefers ${shown(preference, 120)}${isMet ? ', and has it' : ', and does not have it'}.`;
}

function until(at: number | undefined, now: number, what: string, note: string, preposition = 'in'): string {
  if (at === undefined) return '';
  const left = at - now;
  return left > 0 ? `${what} ${preposition} ${formatSpan(left)}, ${note}.` : preposition === 'in' ? `${what} now.` : '';
}

/** Ends a text as a sentence, with a capital at its beginning. */
function sentence(text: string): string {
  if (!text) return '';
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
