import { isPrintable, printableJson } from '@kplug/protocol';
import { Scalar, type ScalarTag, stringify, type Tags } from 'yaml';
import { stringifyString } from 'yaml/util';
import { readPlainScalar } from './kubectl-scalar.ts';

/** Options of `formatYaml`. */
export interface FormatYamlOptions {
  /** Quotes every string, for programs with an unknown YAML library. Default: quotes strings that some version of YAML reads as another type. */
  isQuoted?: boolean;
}

/**
 * Formats a JSON value as YAML that means the same to `kubectl`, to YAML 1.1 and to YAML 1.2. A `bigint` becomes an integer. Equal values
 * are repeated instead of referred to, and long lines are not folded. The text ends with a line feed.
 */
export function formatYaml(value: unknown, { isQuoted = false }: FormatYamlOptions = {}): string {
  return stringify(value, {
    schema: 'core',
    compat: 'yaml-1.1',
    customTags: isQuoted ? withQuotes : withStrings,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

type StringifyString = typeof stringifyString;

const withQuotes = customTags((item) => quote(String(item.value)));

const withStrings = customTags((item, context, ...rest) => {
  const value = String(item.value);
  if (isLines(value) && !context.implicitKey) {
    return stringifyString({ ...item, type: Scalar.BLOCK_LITERAL, value }, context, ...rest);
  }
  return isPlain(value) ? stringifyString(item, { ...context, actualString: true }, ...rest) : quote(value);
});

/** Returns the tags of the core schema with other ways to write strings and numbers. */
function customTags(writeString: StringifyString): (tags: Tags) => Tags {
  return (tags) =>
    tags.map((tag) => {
      if (typeof tag === 'string' || 'collection' in tag) return tag;
      if (tag.tag === 'tag:yaml.org,2002:str') return { ...tag, stringify: writeString } as ScalarTag;
      const isNumber = tag.identify?.(1) || tag.identify?.(1.5);
      return isNumber ? { ...tag, stringify: ({ value }: Scalar) => formatNumber(value) } : tag;
    });
}

/** Formats a number. YAML 1.1 requires a point in a number with an exponent. */
function formatNumber(value: unknown): string {
  return String(value).replace(/^(-?[0-9]+)e/, '$1.0e');
}

/** Characters that all parsers read from unquoted text: neither control characters nor line breaks of YAML 1.1. */
const printable = /^[ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;

/** Reports whether a text may be unquoted as far as `kubectl` is concerned. The library checks the types of YAML 1.1 and 1.2. */
function isPlain(text: string): boolean {
  return (
    /^[A-Za-z0-9/_.($\u00a1-\u2027]/.test(text) &&
    !text.startsWith('...') &&
    printable.test(text) &&
    isPrintable(text) &&
    readPlainScalar(text).kind === 'string'
  );
}

/** Reports whether a text has several lines that can be written as such. */
function isLines(text: string): boolean {
  return (
    text.includes('\n') &&
    /^\S/.test(text) &&
    !/\n[ \t]*$|\n\t|[ \t]\n/.test(text.replace(/\n$/, '')) &&
    printable.test(text.replaceAll('\n', '')) &&
    isPrintable(text.replaceAll('\n', ''))
  );
}

/** Quotes a text as JSON does, with escapes for characters that only JSON allows in quotes. */
function quote(text: string): string {
  return printableJson(JSON.stringify(text.toWellFormed())).replace(
    /[\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
