import { LineCounter } from 'yaml';
import { readKubectlYaml } from './read-kubectl.ts';

/** Reads a text as `readKubectlYaml` does. Returns all of its documents, and the positions of its lines. */
export function readTextOf(content: string) {
  const lines = new LineCounter();
  const documents = [...readKubectlYaml(content, lines)].filter((document) => document !== undefined);
  return { documents, lines };
}
