import { type Document, type DocumentOptions, isScalar, type ParseOptions, type SchemaOptions, visit } from 'yaml';

/** How often a document may use its anchors. Enough for people, too few to blow a small file up. */
export const mostAliases = 50;

/** How documents are parsed that `findDocumentFault` looks at: YAML 1.2, without merge keys and tags. */
export const documentOptions = {
  prettyErrors: false,
  stringKeys: true,
  // `findDocumentFault` looks for those that stand twice.
  uniqueKeys: false,
  version: '1.2',
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** What is wrong with a YAML document, and at which character of the text. */
export interface DocumentFault {
  offset: number;
  message: string;
}

/**
 * What the parser finds wrong with a document, and what it lets pass: merge keys, which YAML 1.2 hasn't and other tools
 * would expand, and keys that stand twice. The parser compares each key with each other, which takes minutes for some ten
 * thousand keys.
 */
export function findDocumentFault(document: Document.Parsed): DocumentFault | undefined {
  const [error] = [...document.errors, ...document.warnings];
  if (error) return { offset: error.pos[0], message: error.message };
  let fault: DocumentFault | undefined;
  let aliases = 0;
  visit(document, {
    Alias(_, alias) {
      aliases += 1;
      if (aliases <= mostAliases) return undefined;
      fault = { offset: alias.range?.[0] ?? 0, message: `A document may have ${mostAliases} aliases at the most` };
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
