import { locate, readYaml } from '@kplug/protocol';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { readUpTo } from './read-up-to.ts';

const { maxConfigurationSize, maxDocumentTokens: maxTokens, maxDepth, maxAliases, maxAliasedValues } = limits.resources;

/** Position in a text. Lines and columns count from 1. */
export interface TextPosition {
  line: number;
  column: number;
}

/** Content of a configuration file. */
export interface YamlFile {
  /** Value; `null` for an empty file, `undefined` if there is a fault. */
  value: unknown;
  /** Reason why the file can't be read, with its position unless it concerns the whole file. */
  fault?: Partial<TextPosition> & { message: string };
  /** Returns the position of a field; if it doesn't exist, that of the longest existing part of its path. */
  positionOf(path: readonly (string | number)[]): TextPosition;
}

/**
 * Reads a configuration file in YAML 1.2. Its size, tokens, depth and aliases are limited before anything walks it. Rejects with the error
 * of the system when the file can't be read.
 */
export async function readYamlFile(file: string): Promise<YamlFile> {
  const bytes = await readUpTo(file, maxConfigurationSize);
  if (!bytes) {
    const message = `the file is larger than ${maxConfigurationSize / MiB} MiB`;
    return { value: undefined, fault: { message }, positionOf: () => ({ line: 1, column: 1 }) };
  }
  const { value, node, lines, fault } = readYaml(bytes.toString(), {
    maxTokens,
    maxDepth,
    maxAliases,
    maxAliasedValues,
  });
  const at = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  return {
    value,
    ...(fault && { fault: { ...at(fault.offset), message: `invalid YAML: ${fault.message}` } }),
    positionOf: (path) => at(locate(node, path)),
  };
}
