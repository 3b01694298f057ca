/** Bounds of a YAML text, which are checked on its tokens. */
export interface YamlBounds {
  /** Maximum number of tokens of a document. */
  maxTokens: number;
  /** Maximum depth of nested lists and mappings. */
  maxDepth: number;
  /** Maximum number of documents, counted by their marks. Default: none. */
  maxDocuments?: number;
}

const flowEnd = '\u0018';
const markers = new Set(['\u0002', '\u001f', flowEnd]);
const breaks = new Set(['\n', '\r\n']);
const indicators = new Set(['-', '?', ':']);

/**
 * Extent of a YAML text up to a token of the lexer. Depth is the maximum of three counts, each of which is at most one larger than the
 * depth of the document: brackets that are open, columns in which the open blocks begin, and indicators in a line.
 */
export class YamlExtent {
  readonly #bounds: YamlBounds;
  /** Columns in which blocks begin, in ascending order. */
  readonly #columns: number[] = [];
  #documents = 0;
  #tokens = 0;
  #flowDepth = 0;
  #column = 0;
  #lineIndicators = 0;
  /** True where a block can begin: at the start of a line, and after an indicator. */
  #isStart = true;

  constructor(bounds: YamlBounds) {
    this.#bounds = bounds;
  }

  /** Counts a token. Returns the message about the first bound that is exceeded, if any. */
  add(token: string): string | undefined {
    this.#tokens++;
    this.#measure(token);
    if (this.#tokens > this.#bounds.maxTokens)
      return `The document has more than ${format(this.#bounds.maxTokens)} YAML tokens`;
    const { maxDepth, maxDocuments } = this.#bounds;
    if (maxDocuments !== undefined && this.#documents > maxDocuments)
      return `The text has more than ${format(maxDocuments)} documents`;
    const isTooDeep =
      this.#flowDepth > maxDepth || this.#columns.length > maxDepth + 1 || this.#lineIndicators > maxDepth + 1;
    return isTooDeep ? `The document is nested more than ${format(maxDepth)} levels deep` : undefined;
  }

  #measure(token: string): void {
    if (token === flowEnd) this.#flowDepth = 0;
    if (markers.has(token)) return;
    if (breaks.has(token)) this.#startLine();
    else if (token === '---' || token === '...') this.#startDocument();
    else if (token === '[' || token === '{') this.#flowDepth++;
    else if (token === ']' || token === '}') this.#flowDepth--;
    else if (this.#flowDepth <= 0) this.#measureBlock(token);
  }

  #measureBlock(token: string): void {
    const first = token[0];
    if (this.#isStart && first !== ' ' && first !== '\t' && first !== '#') this.#beginBlock();
    this.#column += token.length;
    if (!indicators.has(token)) return;
    this.#lineIndicators++;
    this.#isStart = true;
  }

  #beginBlock(): void {
    if (this.#lineIndicators === 0) while ((this.#columns.at(-1) ?? -1) > this.#column) this.#columns.pop();
    if ((this.#columns.at(-1) ?? -1) < this.#column) this.#columns.push(this.#column);
    this.#isStart = false;
  }

  #startLine(): void {
    this.#column = 0;
    this.#lineIndicators = 0;
    this.#isStart = this.#flowDepth <= 0;
  }

  #startDocument(): void {
    this.#documents++;
    this.#tokens = 1;
    this.#columns.length = 0;
    this.#flowDepth = 0;
    this.#column = 3;
  }
}

/** Formats a number for people: `500,000`. */
function format(value: number): string {
  return value.toLocaleString('en');
}
