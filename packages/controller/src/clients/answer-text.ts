import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';

const { maxTextLength, maxQuotedLength } = limits.calls;

/** Checks the length of a text for people in an answer. Throws `InvalidResponse`. */
export function checkText(text: string, what: string): string {
  if (text.length <= maxTextLength) return text;
  const length = text.length.toLocaleString('en');
  const limit = maxTextLength.toLocaleString('en');
  throw new KplugError('InvalidResponse', `${what} has ${length} characters; at most ${limit} are allowed`);
}

/** Quotes a text of an answer in an error message. A long one is cut. */
export function quoteText(text: string): string {
  return `"${cutText(text, maxQuotedLength)}"`;
}
