import type { YamlFault } from '@kplug/protocol';

/** Characters that `kubectl` refuses or takes for line breaks, other than line feeds, and byte order marks within the text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const unreadable = /[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|\r(?!\n)|(?<=\n)\ufeff/;

/** Line that starts a document, ends one, or is a directive, and any other line with content. */
const line = /^(?:(---)(.*)|(\.\.\.)(?=[ \t\r]|$).*|(%).*|[ \t]*[^#\s].*)$/gm;

/**
 * Finds the first part of a text that `kubectl` refuses or ignores although YAML allows it: content in the line of a `---`, a directive,
 * content after a `...`, a control character.
 */
export function findLayoutFault(content: string): YamlFault | undefined {
  const faults = [findCharacter(content), findLine(content)].filter((fault) => fault !== undefined);
  return faults.sort((a, b) => a.offset - b.offset)[0];
}

function findCharacter(content: string): YamlFault | undefined {
  const { index: offset = 0, 0: character } = unreadable.exec(content) ?? {};
  if (character === undefined) return undefined;
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return { offset, message: `The character U+${code} is not allowed; write it as "\\u${code}" in double quotes` };
}

function findLine(content: string): YamlFault | undefined {
  if (!/^(?:---|\.\.\.|%)/m.test(content)) return undefined;
  let hasEnded = false;
  for (const { index: offset, 0: text, 1: start, 2: rest = '', 3: end, 4: directive } of content.matchAll(line)) {
    if (start) {
      hasEnded = false;
      const trimmed = rest.trim();
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      return { offset, message: 'Only a comment may follow --- in its line' };
    }
    if (directive) return { offset, message: 'Directives (lines that begin with %) are not allowed' };
    if (hasEnded && text.trim() !== '')
      return { offset, message: 'Content after ... is ignored; begin the next document with ---' };
    if (end) hasEnded = true;
  }
  return undefined;
}
