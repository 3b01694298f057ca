import {
  askPlugin,
  assumePlugin,
  type DelegationDeclaration,
  deriveBase,
  deriveDelegation,
  type Manifest,
  type Registration,
  type RenderedResource,
  type Resource,
  renderPass,
} from '@kplug/controller';
import { readDelegationFile } from '@kplug/operator';
import { CommandError } from '../command-error.ts';
import { readManifests } from '../input/read-manifests.ts';
import { readDelegatedStatus } from '../output/delegated-status.ts';
import { formatDocuments } from '../output/document.ts';
import type { Terminal } from '../output/terminal.ts';

/** What one pass is made with, and how what came of it is printed. */
export interface RenderOptions {
  plugin: string;
  protocol?: 'kplug.v1' | 'kplug';
  /** The plugin's name, where its protocol doesn't tell it. */
  name: string;
  config?: string;
  kind?: string;
  output: 'yaml' | 'json';
}

/** Makes one pass over the manifests in files with one plugin, and prints statuses and events. Rejects if a base isn't ready then. */
export async function render(files: readonly string[], options: RenderOptions, terminal: Terminal): Promise<void> {
  const manifests = await readManifests(files);
  const declared = options.config === undefined ? undefined : await readDelegationFile(options.config);
  const plan = options.protocol === 'kplug' ? planV0 : planPlugin;
  const { plugin, delegations } = await plan(manifests, declared, options);
  const rendered = await renderPass({ plugin, manifests, delegations });
  terminal.print(formatDocuments([...statuses(rendered), ...events(rendered)], options.output));
  failUnlessReady(rendered, delegations);
}

/** Which plugin is called, and what is delegated to it. */
interface Plan {
  plugin: Registration;
  delegations: readonly DelegationDeclaration[];
}

type Declared = readonly DelegationDeclaration[] | undefined;

async function planPlugin(manifests: readonly Manifest[], declared: Declared, options: RenderOptions): Promise<Plan> {
  const plugin = await askPlugin(options.plugin);
  const delegations = declared
    ? concerned(declared, manifests, plugin, options)
    : [deriveDelegation(manifests, plugin, options.kind)];
  return { plugin, delegations };
}

/** It can't be asked what it implements, so that is what is delegated. */
async function planV0(
  manifests: readonly Manifest[],
  declared: Declared,
  { plugin: address, name, kind, config: file = '' }: RenderOptions,
): Promise<Plan> {
  const unknown = { plugin: name, apis: [] };
  const derive = () => {
    const apis = [{ name: deriveBase(manifests, unknown, kind).kind, extensionKinds: [] }];
    return [deriveDelegation(manifests, { plugin: name, apis }, kind)];
  };
  const delegations = declared ? ofKindsAmong(manifests, declared, file) : derive();
  return { plugin: await assumePlugin({ address, name, delegations }), delegations };
}

/** The delegations of a file that have something to do. */
function concerned(
  declared: readonly DelegationDeclaration[],
  manifests: readonly Manifest[],
  { plugin, version, apis }: Registration,
  { config: file = '', plugin: address }: RenderOptions,
): DelegationDeclaration[] {
  const ofKinds = ofKindsAmong(manifests, declared, file);
  const ofApis = ofKinds.filter(({ api }) => apis.some(({ name }) => name === api.split('@', 1)[0]));
  if (ofApis.length > 0) return ofApis;
  const wanted = ofKinds.map(({ api }) => api).join(', ');
  const there = apis.map((api) => `${api.name}@${api.version}`).join(', ');
  throw new CommandError('usage', `${plugin} ${version} at ${address} implements ${there}; ${file} asks for ${wanted}`);
}

/** The delegations of a file whose bases are among manifests. Throws a `CommandError` when there are none. */
function ofKindsAmong(
  manifests: readonly Manifest[],
  declared: readonly DelegationDeclaration[],
  file: string,
): DelegationDeclaration[] {
  const ofKinds = declared.filter(({ base }) => manifests.some((manifest) => isOfKind(manifest, base)));
  if (ofKinds.length > 0) return ofKinds;
  const kinds = declared.map(({ base }) => `${base.apiVersion}/${base.kind}`).join(', ');
  throw new CommandError('usage', `no manifest is of a kind that ${file} delegates: ${kinds}`);
}

function statuses(rendered: readonly RenderedResource[]): object[] {
  return rendered.flatMap(({ resource: { apiVersion, kind, metadata, status } }) => {
    const { name, namespace } = metadata;
    return status ? [{ apiVersion, kind, metadata: { name, namespace }, status }] : [];
  });
}

/** Events as Kubernetes has them. */
function events(rendered: readonly RenderedResource[]): object[] {
  return rendered.flatMap(({ resource: { apiVersion, kind, metadata }, events: recorded }) => {
    const { name, namespace } = metadata;
    const involvedObject = { apiVersion, kind, name, namespace };
    return recorded.map(({ type, reason, message, count }) => {
      return { apiVersion: 'v1', kind: 'Event', involvedObject, type, reason, message, count };
    });
  });
}

function failUnlessReady(rendered: readonly RenderedResource[], delegations: readonly DelegationDeclaration[]): void {
  const failures = rendered.flatMap(({ resource }) => {
    const status = readDelegatedStatus(resource);
    const isBase = delegations.some(({ base }) => isOfKind(resource, base));
    if (!isBase || status?.ready === 'True') return [];
    return [`${resource.kind} ${resource.metadata.name} isn't ready: ${status?.reason}: ${status?.message}`];
  });
  if (failures.length > 0) throw new CommandError('failed', failures.join('; '));
}

function isOfKind(one: Manifest | Resource, { apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  return one.apiVersion === apiVersion && one.kind === kind;
}
