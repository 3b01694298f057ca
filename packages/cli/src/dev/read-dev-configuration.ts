import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { ConfiguredOperator } from '@kplug/operator';
import { CommandError } from '../command-error.ts';
import { exists, isDirectory } from '../input/path-kind.ts';

/** Options of `kplug dev` that concern the operator. */
export interface DevPlace {
  config?: string;
  manifests?: string;
  stateDir?: string;
  cluster?: boolean;
  kubeconfig?: string;
  context?: string;
  namespace?: string[];
}

/** Configuration of an operator for development, with the file that it comes from. */
export interface DevConfiguration {
  configured: ConfiguredOperator;
  /** Path of the configuration file, which may not exist. */
  file: string;
}

const example =
  'delegations: [{ name: greetings, base: { apiVersion: example.org/v1, kind: Greeting }, api: Greeting@^1.0.0 }]';

/** Returns the path of the configuration file, which may not exist. @param project folder of the plugin's project. */
export async function configurationFileOf({ config }: DevPlace, project: string): Promise<string> {
  const given = config ?? process.env.KPLUG_CONFIG;
  if (given) return resolve(given);
  const own = join(project, 'kplug.yaml');
  const outer = resolve('kplug.yaml');
  return !(await exists(own)) && (await exists(outer)) ? outer : own;
}

/**
 * Reads the configuration file of a project, and finds its manifests. Rejects with `InvalidConfiguration` when the file has a fault, and
 * with `CommandError` when something is missing.
 */
export async function readDevConfiguration(place: DevPlace, project: string): Promise<DevConfiguration> {
  const file = await configurationFileOf(place, project);
  const isThere = await exists(file);
  if (!isThere && place.config !== undefined) {
    throw new CommandError('notFound', `the configuration file ${file} does not exist; name another with --config`);
  }
  const { manifests, stateDir, cluster, kubeconfig, context, namespace: namespaces } = place;
  const read = await ConfiguredOperator.read({
    ...(isThere && { config: shortPath(file) }),
    ...(manifests !== undefined && { manifests }),
    ...(stateDir !== undefined && { stateDir }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    ...(namespaces !== undefined && { namespaces }),
  });
  const isOnCluster = Boolean(cluster || kubeconfig || context);
  const configured = read.on(isOnCluster ? undefined : await findManifests(read.manifests, project));
  const directory = configured.manifests;
  if (read.delegations.length === 0 && directory !== undefined && !(await hasDelegation(directory))) {
    const problem = isThere ? `${shortPath(file)} has no delegations` : `there is no ${shortPath(file)}`;
    throw new CommandError(
      'usage',
      `${problem}; write a delegation into it, which says which kind the plugin reconciles, such as "${example}", or name another file with --config`,
    );
  }
  return { configured, file };
}

/** Finds the directory of manifests: the given one, else `samples` or `manifests` of the project. */
async function findManifests(given: string | undefined, project: string): Promise<string> {
  if (given !== undefined) {
    if (await isDirectory(given)) return given;
    throw new CommandError(
      'notFound',
      `the directory of manifests ${given} does not exist; create it, or name another with --manifests`,
    );
  }
  for (const name of ['samples', 'manifests']) {
    const directory = join(project, name);
    if (await isDirectory(directory)) return directory;
  }
  throw new CommandError(
    'notFound',
    `there is no directory of manifests, neither samples nor manifests, in ${project}; create samples with a resource to reconcile, or name a directory with --manifests, or a cluster with --context`,
  );
}

/** Returns the path of a file as users write it: relative if it is below the current directory. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** Reports whether a directory of manifests declares a delegation itself. */
async function hasDelegation(directory: string): Promise<boolean> {
  const names = await readdir(directory, { recursive: true });
  for (const name of names.filter((one) => /\.(?:ya?ml|json)$/.test(one))) {
    const text = await readFile(join(directory, name), 'utf8').catch(() => '');
    if (/\bkind["']?\s*:\s*["']?Delegation\b/.test(text)) return true;
  }
  return false;
}
