import { formatProblem } from '@kplug/controller/directory';
import type { Manifest } from '@kplug/controller/memory';
import { type ManifestFile, type ParsedManifest, parseManifests, tooLarge } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { describeReadError, readManifestBytes } from './read-manifest-bytes.ts';

/**
 * Reads the manifests in files; `-` is standard input. Rejects with a `CommandError` with file and line when a manifest is
 * malformed or duplicate.
 */
export async function readManifests(files: readonly string[]): Promise<Manifest[]> {
  return (await readParsed(files)).map(({ manifest }) => manifest);
}

/** Reads resources in files with their states, such as the output of `kubectl get -o yaml`. Rejects as `readManifests` does. */
export async function readParsed(files: readonly string[]): Promise<ParsedManifest[]> {
  const places = new Map<string, string>();
  const manifests: ParsedManifest[] = [];
  const faults: string[] = [];
  for (const file of files) {
    const { manifests: parsed, problems } = await readFile(file);
    faults.push(...problems.map(formatProblem));
    for (const one of parsed) {
      const { key, line } = one;
      const place = `${file}:${line}`;
      const earlier = places.get(key);
      if (earlier) faults.push(`${place}: ${key} is already in ${earlier}; remove one`);
      places.set(key, place);
      manifests.push(one);
    }
  }
  if (faults.length > 0) throw new CommandError('usage', faults.join('; '));
  if (manifests.length === 0) throw new CommandError('usage', `no resource in ${files.join(', ')}`);
  return manifests;
}

async function readFile(file: string): Promise<ManifestFile> {
  try {
    const bytes = await readManifestBytes(file);
    return bytes
      ? parseManifests(bytes.toString(), { file })
      : { manifests: [], problems: [{ file, message: tooLarge }] };
  } catch (cause) {
    throw new CommandError('usage', `cannot read ${file}: ${describeReadError(cause)}`, { cause });
  }
}
