import { type DelegationDeclaration, keyOf, type Registration, type Resource } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import {
  askPlugin,
  assumePlugin,
  deriveBase,
  deriveDelegation,
  type PluginSecurity,
  type RenderedResource,
  renderPass,
} from '@kplug/controller/tools';
import { readDelegationFile } from '@kplug/operator';
import { CommandError } from '../command-error.ts';
import type { Expected } from '../input/expected-output.ts';
import { readParsed } from '../input/read-manifests.ts';
import { type PluginTlsOptions, readPluginChannel } from '../input/read-plugin-channel.ts';
import { readDelegatedStatus } from '../output/delegated-status.ts';
import { formatDocuments } from '../output/document.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug render`. */
export interface RenderOptions extends PluginTlsOptions {
  /** Address of the plugin. Exactly one of `plugin` and `start` is given. */
  plugin?: string;
  /** Shell command that starts the plugin. */
  start?: string;
  /** Files with resources as they exist. */
  observed?: string[];
  /** File with the expected output. */
  expect?: string;
  protocol?: 'kplug.v1' | 'kplug';
  /** Name of a plugin whose protocol does not report one. */
  name: string;
  config?: string;
  kind?: string;
  /** True to compare with a cluster. */
  diff?: boolean;
  namespace?: string;
  kubeconfig?: string;
  context?: string;
  output: 'yaml' | 'json';
}

/**
 * Reconciles manifests once with a plugin and prints statuses, dependents and Events. Rejects when a base is not ready, or if an output is
 * expected, when it is another one.
 */
export async function render(files: readonly string[], options: RenderOptions, terminal: Terminal): Promise<void> {
  const { plugin, start, expect, diff } = options;
  if ((plugin === undefined) === (start === undefined)) {
    throw new CommandError('usage', 'give either the address of a plugin with --plugin, or a command with --start');
  }
  if (!diff && (options.namespace ?? options.kubeconfig ?? options.context) !== undefined) {
    throw new CommandError('usage', '--namespace, --kubeconfig and --context select a cluster, only with --diff');
  }
  if (diff) {
    const { exitOnDifferences } = await import('./render-diff.ts');
    return exitOnDifferences(() => withPlugin(options, (started) => diffWith(started, files, terminal)));
  }
  const expected = expect === undefined ? undefined : await readExpectedOutput(expect);
  await withPlugin(options, (started) => renderWith(started, files, expected, terminal));
}

/** Uses the plugin that runs, or one that is started for the time of the use. */
async function withPlugin<T>(options: RenderOptions, use: (options: PassOptions) => Promise<T>): Promise<T> {
  const { start } = options;
  if (start === undefined) return use({ ...options, plugin: options.plugin ?? '' });
  // The suites take longer to load than most passes.
  const { startPlugin } = await import('@kplug/conformance');
  await using started = await startPlugin(start);
  const { address: plugin, protocol, name = options.name } = started;
  return await use({ ...options, plugin, protocol, name });
}

/** Prints what a pass would change in a cluster. Returns the number of resources that would change. */
async function diffWith(options: PassOptions, files: readonly string[], terminal: Terminal): Promise<number> {
  const { namedAs, renderDiff } = await import('./render-diff.ts');
  const inFile = options.config === undefined ? undefined : await readDelegationFile(options.config);
  const plan = options.protocol === 'kplug' ? planV0 : planPlugin;
  const planner = async (manifests: readonly Manifest[], inCluster: readonly DelegationDeclaration[]) => {
    const declared = inFile ?? (inCluster.length > 0 ? inCluster : undefined);
    const planned = await plan(manifests, declared, { ...options, config: options.config ?? 'the cluster' });
    if (declared) return planned;
    return { ...planned, delegations: planned.delegations.map((one) => namedAs(one, manifests)) };
  };
  return renderDiff(files, options, planner, terminal);
}

async function readExpectedOutput(file: string): Promise<Expected> {
  const { readExpected } = await import('../input/expected-output.ts');
  return readExpected(file);
}

/** Options of a pass with a plugin that serves. */
type PassOptions = RenderOptions & { plugin: string };

async function renderWith(
  options: PassOptions,
  files: readonly string[],
  expected: Expected | undefined,
  terminal: Terminal,
): Promise<void> {
  const parsed = await readParsed(files);
  const manifests = parsed.map(({ manifest }) => manifest);
  const observed = options.observed ? await readParsed(options.observed) : [];
  const declared = options.config === undefined ? undefined : await readDelegationFile(options.config);
  const plan = options.protocol === 'kplug' ? planV0 : planPlugin;
  const { plugin, delegations, security } = await plan(manifests, declared, options);
  if (!declared) for (const delegation of delegations) sayPath(delegation, terminal);
  const rendered = await renderPass({ plugin, manifests, observed, delegations, ...(security && { security }) });
  const given = new Set(parsed.map(({ key }) => key));
  const observedKeys = new Set(observed.map(({ key }) => key));
  const output = [...statuses(rendered, given), ...dependents(rendered, given, observedKeys), ...events(rendered)];
  if (expected) {
    const { requireExpected } = await import('../input/expected-output.ts');
    requireExpected(output, expected);
    terminal.say(`The output is as ${expected.file} has it.`);
    return;
  }
  terminal.print(formatDocuments(output, options.output));
  failUnlessReady(rendered, delegations);
}

/** Says from which field extensions are read if a delegation with the defaults would read another one. */
function sayPath({ base: { kind }, extensions }: DelegationDeclaration, terminal: Terminal): void {
  if (extensions?.path === undefined) return;
  const advice = 'an operator needs the same "extensions.path" in its delegation; give the delegation with --config';
  terminal.say(`Reading the extensions of ${kind} from ${extensions.path}; ${advice}.`);
}

/** A plugin and the delegations to it. */
interface Plan {
  plugin: Registration;
  /** Way in which the plugin is called. Default: in plain text. */
  security?: PluginSecurity;
  delegations: readonly DelegationDeclaration[];
}

type Declared = readonly DelegationDeclaration[] | undefined;

async function planPlugin(manifests: readonly Manifest[], declared: Declared, options: PassOptions): Promise<Plan> {
  const channel = await readPluginChannel(options.plugin, options);
  const security = { channelTo: () => channel };
  const plugin = await askPlugin(options.plugin, undefined, security);
  const delegations = declared
    ? applicable(declared, manifests, plugin, options)
    : [deriveDelegation(manifests, plugin, options.kind)];
  return { plugin, security, delegations };
}

/** Assumes that the plugin implements the delegated APIs, as its protocol does not report them. */
async function planV0(
  manifests: readonly Manifest[],
  declared: Declared,
  { plugin: address, name, kind, config: file = '', ...tls }: PassOptions,
): Promise<Plan> {
  if (tls.ca ?? tls.cert ?? tls.tlsDir ?? tls.serverName) {
    throw new CommandError(
      'usage',
      'the protocol kplug has no TLS; omit --ca, --cert, --key, --tls-dir and --server-name',
    );
  }
  const unknown = { plugin: name, apis: [] };
  const derive = () => {
    const apis = [{ name: deriveBase(manifests, unknown, kind).kind, extensionKinds: [] }];
    return [deriveDelegation(manifests, { plugin: name, apis }, kind)];
  };
  const delegations = declared ? ofKindsAmong(manifests, declared, file) : derive();
  return { plugin: await assumePlugin({ address, name, delegations }), delegations };
}

/** Returns the delegations of a file that apply to the manifests and the plugin. */
function applicable(
  declared: readonly DelegationDeclaration[],
  manifests: readonly Manifest[],
  { plugin, version, apis }: Registration,
  { config: file = '', plugin: address }: PassOptions,
): DelegationDeclaration[] {
  const ofKinds = ofKindsAmong(manifests, declared, file);
  const ofApis = ofKinds.filter(({ api }) => apis.some(({ name }) => name === api.split('@', 1)[0]));
  if (ofApis.length > 0) return ofApis;
  const wanted = ofKinds.map(({ api }) => api).join(', ');
  const implemented = apis.map((api) => `${api.name}@${api.version}`).join(', ');
  throw new CommandError(
    'usage',
    `${plugin} ${version} at ${address} implements ${implemented}; ${file} requires ${wanted}`,
  );
}

/** Returns the delegations of a file that apply to the manifests. Throws a `CommandError` when there are none. */
function ofKindsAmong(
  manifests: readonly Manifest[],
  declared: readonly DelegationDeclaration[],
  file: string,
): DelegationDeclaration[] {
  const ofKinds = declared.filter(({ base }) => manifests.some((manifest) => isOfKind(manifest, base)));
  if (ofKinds.length > 0) return ofKinds;
  const kinds = declared.map(({ base }) => `${base.apiVersion}/${base.kind}`).join(', ');
  throw new CommandError('usage', `no manifest has a kind that ${file} delegates: ${kinds}`);
}

/** Returns the statuses of the resources that the manifests define. */
function statuses(rendered: readonly RenderedResource[], given: ReadonlySet<string>): object[] {
  return rendered.flatMap(({ resource }) => {
    const { apiVersion, kind, metadata, status } = resource;
    const { name, namespace } = metadata;
    return status && given.has(keyOf(resource)) ? [{ apiVersion, kind, metadata: { name, namespace }, status }] : [];
  });
}

/** Returns the dependents as the plugin wants them, without the observed resources that it only required. */
function dependents(
  rendered: readonly RenderedResource[],
  given: ReadonlySet<string>,
  observed: ReadonlySet<string>,
): object[] {
  return rendered.flatMap(({ resource }) => {
    const key = keyOf(resource);
    const isOwned = resource.metadata.ownerReferences?.some(({ controller }) => controller) ?? false;
    if (given.has(key) || (observed.has(key) && !isOwned)) return [];
    const { apiVersion, kind, metadata, status: _, ...fields } = resource;
    const { name, namespace, labels, annotations } = metadata;
    const marks = { ...(labels && { labels }), ...(annotations && { annotations }) };
    return [{ apiVersion, kind, metadata: { name, namespace, ...marks }, ...fields }];
  });
}

/** Returns Events in the format of Kubernetes. */
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
    return [`${resource.kind} ${resource.metadata.name} is not ready: ${status?.reason}: ${status?.message}`];
  });
  if (failures.length > 0) throw new CommandError('failed', failures.join('; '));
}

function isOfKind(one: Manifest | Resource, { apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  return one.apiVersion === apiVersion && one.kind === kind;
}
