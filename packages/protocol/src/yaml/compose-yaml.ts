import {
  Composer,
  type CST,
  type Document,
  type DocumentOptions,
  Lexer,
  type LineCounter,
  type ParseOptions,
  Parser,
  type SchemaOptions,
} from 'yaml';
import { type YamlBounds, YamlExtent } from './yaml-extent.ts';
import type { YamlFault } from './yaml-fault.ts';

/** Document of a text, or the fault for which the rest of the text isn't read. */
export type ComposedDocument = { document: Document.Parsed; fault?: never } | { fault: YamlFault; document?: never };

/** Options of the parser, bounds, and the positions of lines. */
export interface ComposeOptions extends YamlBounds {
  lines: LineCounter;
  parser: ParseOptions & DocumentOptions & SchemaOptions;
}

/** Number of tokens between two steps. */
const stepTokens = 256;

/**
 * Parses a YAML text of any number of documents, of which only one is in memory at a time. Yields each document, and `undefined` where
 * the caller may let other work run. A document that exceeds the bounds is not composed. At most one error of each document, and one
 * warning of each kind, is kept: each costs more memory than the text that causes it.
 */
export function* composeYaml(text: string, options: ComposeOptions): Generator<ComposedDocument | undefined, void> {
  const { lines, parser: parserOptions } = options;
  const extent = new YamlExtent(options);
  const parser = new Parser(lines.addNewLine);
  const composer = new FirstErrorComposer(parserOptions);
  lines.addNewLine(0);
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    const excess = extent.add(token);
    if (excess !== undefined) {
      yield* documentsOf(composer.end());
      yield { fault: { offset: parser.offset, message: excess } };
      return;
    }
    for (const part of parser.next(token)) yield* documentsOf(composer.next(part));
    tokens++;
    if (tokens % stepTokens === 0) yield undefined;
  }
  for (const part of parser.end()) yield* documentsOf(composer.next(part));
  // Errors of a text without a document are those of an empty one.
  yield* documentsOf(composer.end(true, text.length));
}

function* documentsOf(documents: Iterable<Document.Parsed>): Generator<ComposedDocument, void> {
  for (const document of documents) yield { document };
}

/** Private function of the parser that adds an error or a warning to the document. */
type Report = (source: unknown, code: string, message: string, isWarning?: boolean) => void;

/** Composer that keeps the first error of each document, and the first warning of each kind. */
class FirstErrorComposer extends Composer {
  #seen = new Set<string>();

  constructor(options: ComposeOptions['parser']) {
    super(options);
    // biome-ignore lint/complexity/useLiteralKeys: it is private.
    const report: Report = this['onError'];
    // biome-ignore lint/complexity/useLiteralKeys: it is private.
    this['onError'] = ((...[source, code, message, isWarning]) => {
      if (this.#isFirst(isWarning ? code : 'error')) report(source, code, message, isWarning);
    }) satisfies Report;
  }

  override *next(token: CST.Token): Generator<Document.Parsed, void, unknown> {
    if (token.type === 'document') this.#seen = new Set();
    if (token.type !== 'error' || this.#isFirst('error')) yield* super.next(token);
  }

  #isFirst(kind: string): boolean {
    const isFirst = !this.#seen.has(kind);
    this.#seen.add(kind);
    return isFirst;
  }
}
