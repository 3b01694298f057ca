import { Lexer } from 'yaml';
import { limits } from '../../limits/limits.ts';

const { maxStatusDepth: maxDepth, maxV0Tokens: maxTokens } = limits.calls;

/**
 * Describes the first bound that a YAML text exceeds, by its tokens, before a document is composed of it. Returns `undefined` if it
 * exceeds none. Nesting by indentation isn't counted: its depth grows with the square root of the size only.
 *
 * @param maxSize in bytes of UTF-8.
 */
export function findYamlExcess(yaml: string, maxSize: number): string | undefined {
  const size = Buffer.byteLength(yaml);
  if (size > maxSize) return `has ${format(size)} bytes; at most ${format(maxSize)} are allowed`;
  const extent = { tokens: 0, flowDepth: 0, lineDepth: 0 };
  for (const token of new Lexer().lex(yaml)) {
    extent.tokens++;
    count(extent, token);
    if (extent.tokens > maxTokens) return `has more than ${format(maxTokens)} YAML tokens`;
    if (extent.flowDepth > maxDepth || extent.lineDepth > maxDepth)
      return `is nested more than ${maxDepth} levels deep`;
  }
  return undefined;
}

/** Counts nesting: `lineDepth` is the number of block collections that begin on the current line. */
function count(extent: { flowDepth: number; lineDepth: number }, token: string): void {
  if (token === '[' || token === '{') extent.flowDepth++;
  else if (token === ']' || token === '}') extent.flowDepth--;
  else if (token === '-' || token === '?') extent.lineDepth++;
  else if (token === '\n' || token === '\r\n') extent.lineDepth = 0;
}

function format(value: number): string {
  return value.toLocaleString('en');
}
