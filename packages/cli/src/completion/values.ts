import { Argument, type Option } from 'commander';
import type { Candidate, Candidates } from './candidate.ts';

/** Finds values by asking the world. They are what has been typed so far of options and arguments, by name. */
type Source = (typed: ReadonlyMap<string, string>) => Promise<string[]>;

/** What may stand for an option or an argument, by what its flags or its name say that it takes. */
export async function valuesOf(taker: Option | Argument, typed: ReadonlyMap<string, string>): Promise<Candidates> {
  if (taker.argChoices) return { values: taker.argChoices.map(toCandidate), others: 'none' };
  const takes = taker instanceof Argument ? taker.name() : (/[<[]([^>\].]+)/.exec(taker.flags)?.[1] ?? '');
  if (takes === 'file') return { values: [], others: 'files' };
  if (takes === 'dir') return { values: [], others: 'directories' };
  const source = sources.get(takes);
  return { values: source ? (await askQuietly(source, typed)).map(toCandidate) : [], others: 'none' };
}

const sources = new Map<string, Source>([
  ['kind', kindsOf],
  ['name', namesOf],
  ['kind/name', targetsOf],
  ['plugin', pluginsOf],
]);

async function kindsOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  return (await readResources(typed)).map(({ kind }) => kind.toLowerCase());
}

async function namesOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  const { isKindNamed } = await import('@kplug/controller');
  const resources = await readResources(typed);
  return resources.filter((one) => isKindNamed(one, typed.get('kind') ?? '')).map(({ metadata }) => metadata.name);
}

async function targetsOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  return (await readResources(typed)).map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
}

async function pluginsOf(typed: ReadonlyMap<string, string>): Promise<string[]> {
  const { AdminClient } = await import('../operator/admin-client.ts');
  const admin = typed.get('admin') ?? process.env.KPLUG_ADMIN;
  const client = await AdminClient.of({ ...(admin ? { admin } : {}), manifests: manifestsOf(typed) });
  const { instances } = await client.listPlugins();
  return instances.flatMap(({ registration }) => registration?.plugin ?? []);
}

async function readResources(typed: ReadonlyMap<string, string>) {
  const { readDirectory } = await import('@kplug/controller');
  return (await readDirectory(manifestsOf(typed))).resources;
}

function manifestsOf(typed: ReadonlyMap<string, string>): string {
  return typed.get('manifests') ?? process.env.KPLUG_MANIFESTS ?? '.';
}

/** A shell that completes can't show why there is nothing to offer: no operator, no directory. `KPLUG_DEBUG` makes it throw. */
async function askQuietly(source: Source, typed: ReadonlyMap<string, string>): Promise<string[]> {
  try {
    return [...new Set(await source(typed))].sort();
  } catch (error) {
    if (process.env.KPLUG_DEBUG) throw error;
    return [];
  }
}

function toCandidate(value: string): Candidate {
  return { value, description: '' };
}
