import { limits } from '../../limits/limits.ts';
import { cutText } from '../../resources/cut-text.ts';
import { parseKey, type ResourceKey } from '../../resources/resource.ts';

const { maxCauseLength } = limits.states;

/** Parts of messages that differ between resources with one cause: times, percentages, and how many of how many. */
const variable = /\d{4}-\d\d-\d\dT[\d:.]+Z|\d+ ?%|\d+ of \d+/g;

/** Returns the part of a message that is equal for resources with one cause: without the name and namespace of its resource. */
export function causeTextOf(message: string, about: ResourceKey): string {
  const { namespace, name } = parseKey(about);
  const text = cutText(message, maxCauseLength).replace(variable, '…');
  return withoutWord(namespace ? withoutWord(text, `${namespace}/${name}`) : text, name);
}

/** Replaces a word, but not within a longer one. */
function withoutWord(text: string, word: string): string {
  if (word === '' || !text.includes(word)) return text;
  let result = '';
  let from = 0;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    if (isPartOfWord(text[at - 1]) || isPartOfWord(text[at + word.length])) continue;
    result += `${text.slice(from, at)}…`;
    from = at + word.length;
  }
  return result + text.slice(from);
}

function isPartOfWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}
