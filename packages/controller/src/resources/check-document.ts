import { type Document, type DocumentOptions, isScalar, type ParseOptions, type SchemaOptions, visit } from 'yaml';
import { limits } from '../limits/limits.ts';

/** Maximum number of aliases in a document: enough for people, too few to expand a small file into a huge one. */
export const { maxAliases } = limits.resources;

/** Parser options of documents that `findDocumentFault` checks: YAML 1.2, without merge keys and tags. */
export const documentOptions = {
  prettyErrors: false,
  stringKeys: true,
  // `findDocumentFault` checks for duplicates.
  uniqueKeys: false,
  version: '1.2',
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** Fault of a YAML document, with its offset in the text, in characters. */
export interface DocumentFault {
  offset: number;
  message: string;
}

/**
 * Finds the first fault of a document: the parser's errors, and what it accepts: too many aliases, merge keys (not part of YAML 1.2, but
 * other tools expand them) and duplicate keys. The parser's own check for duplicates takes minutes for some ten thousand keys.
 */
export function findDocumentFault(document: Document.Parsed): DocumentFault | undefined {
  const [error] = [...document.errors, ...document.warnings];
  if (error) return { offset: error.pos[0], message: error.message };
  let fault: DocumentFault | undefined;
  let aliases = 0;
  visit(document, {
    Alias(_, alias) {
      aliases += 1;
      if (aliases <= maxAliases) return undefined;
      fault = { offset: alias.range?.[0] ?? 0, message: `A document may have at most ${maxAliases} aliases` };
      return visit.BREAK;
    },
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const message =
          key.value === '<<' ? 'Merge keys (<<) are not part of YAML 1.2' : 'Keys of a mapping must be unique';
        if (key.value !== '<<' && !seen.has(key.value)) {
          seen.add(key.value);
          continue;
        }
        fault = { offset: key.range?.[0] ?? 0, message };
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return fault;
}
