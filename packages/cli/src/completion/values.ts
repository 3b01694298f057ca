import { Argument, type Option } from 'commander';
import type { Candidate, Candidates } from './candidate.ts';

/** Reads values from a directory or an operator, for the options and arguments typed so far and the word to complete. */
type Source = (typed: ReadonlyMap<string, string>, current: string) => Promise<string[]>;

/** Returns the values of an option or argument, by the placeholder in its flags or its name. */
export async function valuesOf(
  taker: Option | Argument,
  typed: ReadonlyMap<string, string>,
  current: string,
): Promise<Candidates> {
  if (taker.argChoices) return { values: taker.argChoices.map(toCandidate), others: 'none' };
  const takes = taker instanceof Argument ? taker.name() : (/[<[]([^>\].]+)/.exec(taker.flags)?.[1] ?? '');
  if (takes === 'file') return { values: [], others: 'files' };
  if (takes === 'dir') return { values: [], others: 'directories' };
  const source = sources.get(takes);
  return { values: source ? (await readQuietly(source, typed, current)).map(toCandidate) : [], others: 'none' };
}

const sources = new Map<string, Source>([
  ['kind', kindsOf],
  ['name', namesOf],
  ['kind/name', targetsOf],
  ['plugin', pluginsOf],
  ['token', tokensOf],
]);

async function kindsOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  return (await readResources(typed)).map(({ kind }) => kind.toLowerCase());
}

async function namesOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  const { isKindNamed } = await import('@kplug/controller/tools');
  const resources = await readResources(typed);
  return resources.filter((one) => isKindNamed(one, typed.get('kind') ?? '')).map(({ metadata }) => metadata.name);
}

/** Keeps the spelling of a kind that is followed by a slash, such as a plural. */
async function targetsOf(typed: ReadonlyMap<string, string>, current: string): Promise<string[]> {
  const { isKindNamed } = await import('@kplug/controller/tools');
  const resources = await readResources(typed);
  const [kind = '', name] = current.split('/');
  if (name === undefined) return resources.map((one) => `${one.kind.toLowerCase()}/${one.metadata.name}`);
  return resources.filter((one) => isKindNamed(one, kind)).map(({ metadata }) => `${kind}/${metadata.name}`);
}

async function pluginsOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  const { AdminClient } = await import('../operator/admin-client.ts');
  const admin = typed.get('admin') ?? process.env.KPLUG_ADMIN;
  const client = await AdminClient.of({ ...(admin ? { admin } : {}), ...directoriesOf(typed) });
  const { instances } = await client.listPlugins();
  return instances.flatMap(({ registration }) => registration?.plugin ?? []);
}

async function tokensOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  const { listTokens } = await import('@kplug/controller/tools');
  const { tokenFileOf } = await import('../input/token-file.ts');
  return (await listTokens(tokenFileOf(typed.get('file')))).map(({ name }) => name);
}

async function readResources(typed: ReadonlyMap<string, string>) {
  const { readDirectory } = await import('@kplug/controller/directory');
  const { findDirectories } = await import('../input/find-manifests.ts');
  const { manifests, ...states } = await findDirectories(directoriesOf(typed));
  return (await readDirectory(manifests, states)).resources;
}

function directoriesOf(typed: ReadonlyMap<string, string>): { manifests: string; stateDir?: string } {
  const stateDir = typed.get('state-dir') ?? process.env.KPLUG_STATE_DIR;
  const manifests = typed.get('manifests') ?? process.env.KPLUG_MANIFESTS ?? '.';
  return { manifests, ...(stateDir ? { stateDir } : {}) };
}

/** Returns no values on an error, as a shell cannot show one during completion. With `KPLUG_DEBUG` it rejects. */
async function readQuietly(source: Source, typed: ReadonlyMap<string, string>, current: string): Promise<string[]> {
  try {
    return [...new Set(await source(typed, current))].sort();
  } catch (error) {
    if (process.env.KPLUG_DEBUG) throw error;
    return [];
  }
}

function toCandidate(value: string): Candidate {
  return { value, description: '' };
}
