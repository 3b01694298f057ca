import type { Help, HelpConfiguration } from 'commander';

/** Narrowest column for descriptions beside their terms, in characters. */
const minColumn = 44;

/** Indent of a description below its term. */
const indent = ' '.repeat(6);

/**
 * Format of the help of commands. Where long terms leave no column that is wide enough, descriptions stand below their terms. Commander
 * doesn't wrap those in narrow columns, so a terminal of 80 columns would break words.
 */
export const helpFormat: HelpConfiguration = {
  formatItem(this: Help, term, termWidth, description, helper) {
    if (!description) return `  ${term}`;
    const { helpWidth = 80 } = this;
    const column = helpWidth - termWidth - 4;
    if (column < minColumn) {
      const lines = helper.boxWrap(description, helpWidth - indent.length).split('\n');
      return [`  ${term}`, ...lines.map((line) => indent + line)].join('\n');
    }
    const padding = ' '.repeat(termWidth - helper.displayWidth(term) + 2);
    const lines = helper.boxWrap(description, column).split('\n');
    return `  ${term}${padding}${lines.join(`\n${' '.repeat(termWidth + 4)}`)}`;
  },
};
