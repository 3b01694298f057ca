import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readYamlFile } from '@kplug/controller/tools';
import { operatorFileOf } from '@kplug/operator/operator-file';
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

/** Returns the manifest directory to read, as `findManifests` does, with its state directory. */
export async function findReadDirectories({ manifests, stateDir }: GivenDirectories): Promise<Directories> {
  const given = stateDir === undefined ? {} : { stateDir };
  const found = await findManifests({ ...given, ...(manifests !== undefined && { manifests }) });
  return withStateDir({ ...given, manifests: found });
}

/** Manifest directory with its state directory. */
export interface Directories {
  manifests: string;
  /** Missing when states are in the manifest directory. */
  stateDir?: string;
}

/**
 * Returns the directories of the operator that a command line means, whose manifest directory is the current one by default: those of
 * `kplug.yaml` replace the current directory, unless that is an operator's.
 */
export async function findDirectories({ manifests = here, stateDir }: GivenDirectories): Promise<Directories> {
  const isDefault = manifests === here && !existsSync(operatorFileOf(here, stateDir));
  const configured = isDefault ? (await readConfigured()).manifests : undefined;
  return withStateDir({ manifests: configured ?? manifests, ...(stateDir !== undefined && { stateDir }) });
}

/** Adds the state directory of `kplug.yaml` to a manifest directory, if none is given and it is for that directory. */
export async function withStateDir(directories: Directories): Promise<Directories> {
  if (directories.stateDir !== undefined) return directories;
  const { manifests, stateDir } = await readConfigured();
  const isMeant = manifests === undefined || resolve(manifests) === resolve(directories.manifests);
  return stateDir !== undefined && isMeant ? { ...directories, stateDir } : directories;
}

async function readConfigured(): Promise<GivenDirectories> {
  if (!existsSync(configFile)) return {};
  try {
    const { value, fault } = await readYamlFile(configFile);
    if (fault) throw new Error(fault.message);
    const { manifests, stateDir } = (value ?? {}) as { manifests?: unknown; stateDir?: unknown };
    return {
      ...(typeof manifests === 'string' && { manifests }),
      ...(typeof stateDir === 'string' && { stateDir }),
    };
  } catch (cause) {
    const message = `${configFile} can't be read: ${(cause as Error).message}; give the directories with --manifests and --state-dir`;
    throw new CommandError('usage', message, { cause });
  }
}
