import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { operatorFileOf } from '@kplug/operator/operator-file';
import { parse } from 'yaml';
import { CommandError } from '../command-error.ts';

const configFile = 'kplug.yaml';
const here = '.';

/** Directories that a command line gives. */
export interface GivenDirectories {
  manifests?: string;
  stateDir?: string;
}

/**
 * Returns the manifest directory to read: the given one, else that of `kplug.yaml`, else the current directory if it is that of an
 * operator. Rejects with a `CommandError` if there is none, as any other directory may have YAML files that are no manifests.
 */
export async function findManifests({ manifests, stateDir }: GivenDirectories): Promise<string> {
  if (manifests !== undefined) return manifests;
  const configured = await readConfigured();
  if (configured.manifests !== undefined) return configured.manifests;
  if (existsSync(operatorFileOf(here, stateDir))) return here;
  const message = `no manifest directory: give one with --manifests, or name it as manifests: in ${configFile}; for a cluster, add --cluster`;
  throw new CommandError('usage', message);
}

/**
 * Returns the state directory of a manifest directory: the given one, else that of `kplug.yaml` if it is for this manifest directory.
 * `undefined`: states are in the manifest directory.
 */
export async function findStateDir({ manifests = here, stateDir }: GivenDirectories): Promise<string | undefined> {
  if (stateDir !== undefined) return stateDir;
  const configured = await readConfigured();
  if (configured.stateDir === undefined) return undefined;
  const isMeant = configured.manifests === undefined || resolve(configured.manifests) === resolve(manifests);
  return isMeant || (manifests === here && !existsSync(operatorFileOf(here))) ? configured.stateDir : undefined;
}

async function readConfigured(): Promise<GivenDirectories> {
  if (!existsSync(configFile)) return {};
  try {
    const content: unknown = parse(await readFile(configFile, 'utf8'));
    const { manifests, stateDir } = (content ?? {}) as { manifests?: unknown; stateDir?: unknown };
    return {
      ...(typeof manifests === 'string' && { manifests }),
      ...(typeof stateDir === 'string' && { stateDir }),
    };
  } catch (cause) {
    const message = `${configFile} can't be read: ${(cause as Error).message}; give the directories with --manifests and --state-dir`;
    throw new CommandError('usage', message, { cause });
  }
}
