import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { operatorFileOf } from '@kplug/operator/operator-file';
import { parse } from 'yaml';
import { CommandError } from '../command-error.ts';

const configFile = 'kplug.yaml';
const here = '.';

/**
 * Returns the manifest directory to read: the given one, else that of `kplug.yaml`, else the current directory if it is that of an
 * operator. Rejects with a `CommandError` if there is none, as any other directory may have YAML files that are no manifests.
 */
export async function findManifests(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const configured = await readConfigured();
  if (configured !== undefined) return configured;
  if (existsSync(operatorFileOf(here))) return here;
  const message = `no manifest directory: give one with --manifests, or name it as manifests: in ${configFile}; for a cluster, add --cluster`;
  throw new CommandError('usage', message);
}

async function readConfigured(): Promise<string | undefined> {
  if (!existsSync(configFile)) return undefined;
  try {
    const content: unknown = parse(await readFile(configFile, 'utf8'));
    const { manifests } = (content ?? {}) as { manifests?: unknown };
    return typeof manifests === 'string' ? manifests : undefined;
  } catch (cause) {
    const message = `${configFile} can't be read: ${(cause as Error).message}; give the manifest directory with --manifests`;
    throw new CommandError('usage', message, { cause });
  }
}
