import type { DelegationDeclaration, Registration, Resource, ResourceKind } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import {
  type ClusterReader,
  diffPass,
  isKindNamed,
  type NamedKind,
  openClusterReader,
  type PluginSecurity,
  type ResourceDifference,
} from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { isForbidden } from '../doctor/answer.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { findServedKind } from '../input/find-served-kind.ts';
import { exists } from '../input/path-kind.ts';
import { readManifests } from '../input/read-manifests.ts';
import { readResourceName } from '../input/resource-name.ts';
import { type ClusterChoice, kubeConfigOf } from '../operator/cluster-choice.ts';
import { formatDifference } from '../output/resource-diff.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug render --diff`. */
export interface RenderDiffOptions extends ClusterChoice {
  namespace?: string;
}

/** Base of a cluster, and the manifests that the user wants to apply. */
interface DiffTarget {
  /** Resources by which the delegation is found, or derived. */
  known: readonly Manifest[];
  /** Manifests to apply first. */
  applied: readonly Manifest[];
}

/** Plugin to call, and the delegations to it. */
interface Plan {
  plugin: Registration;
  security?: PluginSecurity;
  delegations: readonly DelegationDeclaration[];
}

/** Decides which plugin is called, by which delegations. @param declared delegations of the cluster. */
export type Planner = (manifests: readonly Manifest[], declared: readonly DelegationDeclaration[]) => Promise<Plan>;

/** Prefix of the finalizers of delegations. */
const finalizerPrefix = 'kplug.dev/';

/**
 * Runs a command that exits with 1 when there are differences, as `kubectl diff` does. Rejects with the failure `failed` when the command
 * returns differences, and never with that exit code when it rejects.
 */
export async function exitOnDifferences(command: () => Promise<number>): Promise<void> {
  const count = await command().catch((error: unknown) => {
    if (exitCodeOf(error) !== 1) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandError('undetermined', `the differences cannot be determined: ${message}`, { cause: error });
  });
  if (count === 0) return;
  throw new CommandError('failed', `the pass would change ${count === 1 ? '1 resource' : `${count} resources`}`);
}

/** Prints what a pass would change in a cluster, as unified diffs. Returns the number of resources that would change. */
export async function renderDiff(
  targets: readonly string[],
  options: RenderDiffOptions,
  plan: Planner,
  terminal: Terminal,
): Promise<number> {
  const differences = await findDifferences(targets, options, plan);
  const texts = differences.map(formatDifference).filter((text) => text !== '');
  if (texts.length > 0) terminal.print(texts.join('\n'));
  return texts.length;
}

async function findDifferences(
  targets: readonly string[],
  options: RenderDiffOptions,
  plan: Planner,
): Promise<ResourceDifference[]> {
  const cluster = kubeConfigOf(options);
  const reader = await openClusterReader(cluster);
  try {
    const { known, applied } = await readTarget(reader, targets, options);
    const declared = await readDeclared(reader, known);
    const { plugin, delegations, security } = await plan(known, declared);
    const { base, delegation } = chooseBase(known, delegations);
    const { apiVersion, kind } = base;
    const reference = { apiVersion, kind, namespace: base.metadata.namespace ?? '', name: base.metadata.name };
    return await diffPass({
      ...{ cluster, base: reference, manifests: applied, plugin, delegations: [delegation] },
      ...(security && { security }),
    });
  } finally {
    await reader.close();
  }
}

/** Reads the base that a command line names by `KIND/NAME` or by files. */
async function readTarget(
  reader: ClusterReader,
  targets: readonly string[],
  { namespace }: RenderDiffOptions,
): Promise<DiffTarget> {
  const [target = ''] = targets;
  const isName = targets.length === 1 && /^[^/]+\/[^/]+$/.test(target) && !(await exists(target));
  if (!isName) {
    const manifests = await readManifests(targets);
    const kinds = await reader.kinds();
    const placed = manifests.map((manifest) => {
      const { apiVersion, kind, metadata } = manifest;
      const served = kinds.find((one) => one.apiVersion === apiVersion && one.kind === kind);
      const { namespace: own, ...rest } = metadata;
      const home = own ?? namespace ?? reader.namespace;
      return { ...manifest, metadata: served?.namespaced === false ? rest : { ...rest, namespace: home } };
    });
    return { known: placed, applied: placed };
  }
  const { kind, name = '' } = readResourceName(target);
  const served = await findServedKind(reader, kind);
  const home = served.namespaced ? (namespace ?? reader.namespace) : '';
  const base = await reader.get(served, home, name);
  const where = home && ` in the namespace ${home}`;
  if (!base)
    throw new CommandError('notFound', `no ${served.kind} named ${name}${where} of the cluster at ${reader.server}`);
  return { known: [base as unknown as Manifest], applied: [] };
}

/**
 * Reads the delegations of the resources that the cluster declares, as `Delegation`s. Of several, those whose finalizers the resources have.
 * Returns none where the user may not read them.
 */
async function readDeclared(reader: ClusterReader, known: readonly Manifest[]): Promise<DelegationDeclaration[]> {
  const kind = (await reader.kinds()).find((one) => isKindNamed(one, 'delegations.delegations.kplug.dev'));
  if (!kind) return [];
  const declared = (await listIfPermitted(reader, kind))
    .map(({ metadata, spec }) => ({ ...(spec as unknown as DelegationDeclaration), name: metadata.name }))
    .filter(({ base }) => known.some((one) => isOfKind(one, base)));
  const holding = declared.filter(({ name, base }) => finalizersOf(known, base).includes(`${finalizerPrefix}${name}`));
  return holding.length > 0 ? holding : declared;
}

async function listIfPermitted(reader: ClusterReader, kind: NamedKind): Promise<Resource[]> {
  try {
    return await reader.list(kind, undefined);
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
}

/** Returns the only base among resources, with its delegation. Throws a `CommandError` if there are several of either. */
function chooseBase(
  known: readonly Manifest[],
  delegations: readonly DelegationDeclaration[],
): { base: Manifest; delegation: DelegationDeclaration } {
  const found = known.flatMap((base) =>
    delegations.filter((one) => isOfKind(base, one.base)).map((delegation) => ({ base, delegation })),
  );
  const [first, ...others] = found;
  if (first && others.length === 0) return first;
  if (others.some(({ base }) => base !== first?.base)) {
    const names = [...new Set(found.map(({ base }) => `${base.kind}/${base.metadata.name}`))].join(', ');
    throw new CommandError('usage', `--diff compares one base, but there are ${names}; give one of them`);
  }
  const names = found.map(({ delegation }) => delegation.name).join(', ') || 'none';
  throw new CommandError('usage', `--diff needs one delegation, but there are ${names}; give one with --config`);
}

/** Returns a derived delegation with the name of that which reconciles a base now, by the finalizer of the base. */
export function namedAs(delegation: DelegationDeclaration, known: readonly Manifest[]): DelegationDeclaration {
  const finalizer = finalizersOf(known, delegation.base).find((one) => one.startsWith(finalizerPrefix));
  return finalizer ? { ...delegation, name: finalizer.slice(finalizerPrefix.length) } : delegation;
}

/** Returns the finalizers of the resources of a kind. */
function finalizersOf(known: readonly Manifest[], kind: ResourceKind): readonly string[] {
  const ofKind = known.filter((one) => isOfKind(one, kind));
  return ofKind.flatMap(({ metadata }) => (metadata as { finalizers?: readonly string[] }).finalizers ?? []);
}

function isOfKind(one: ResourceKind, { apiVersion, kind }: ResourceKind): boolean {
  return one.apiVersion === apiVersion && one.kind === kind;
}
