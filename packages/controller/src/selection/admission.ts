import type { PluginName } from '../names.ts';

/** Plugins that may serve an API, by their identities. A missing field matches all. */
export interface PluginSource {
  /** Namespace of ServiceAccounts, and of declarations of plugins without heartbeats. */
  readonly namespace?: string | undefined;
  /** ServiceAccounts of that namespace. Excludes declarations. */
  readonly serviceAccounts?: readonly string[] | undefined;
  /** Other identities, as `kplug plugins` shows them, with `*` for any text: `token:ci`, `certificate:spiffe://example.org/ns/db/*`. */
  readonly identities?: readonly string[] | undefined;
  /** Names of plugins. */
  readonly names?: readonly string[] | undefined;
}

/** Plugin whose admission is judged. */
export interface Applicant {
  readonly plugin: PluginName;
  /** Owners of its instances: identities as text. */
  readonly owners: readonly string[];
}

/** Judges which plugins may serve an API. */
export interface AdmissionRule {
  /** Description for people, such as `ServiceAccounts of namespace kplug-system`. */
  readonly text: string;
  admits(applicant: Applicant): boolean;
}

/** Owners on the operator's own machine, and unproven ones, which only an operator that allows insecure plugins accepts. */
const alwaysAdmitted = new Set(['local', 'anonymous']);

/** Admits everybody. */
export const admitAll: AdmissionRule = { text: 'any plugin', admits: () => true };

/**
 * Creates the rule of a delegation without `plugins.from`: ServiceAccounts of the operator's own namespace, holders of tokens that the
 * operator issued, and declared plugins, whose declarations only those can write who may declare plugins.
 *
 * @param namespace namespace of the operator; empty outside of a cluster.
 */
export function defaultAdmission(namespace: string): AdmissionRule {
  const issued = [{ identities: ['token:*', 'declaration:*'] }];
  return {
    ...admissionOf(namespace ? [{ namespace }, ...issued] : issued),
    text: namespace
      ? `ServiceAccounts of namespace ${namespace}, the default`
      : 'holders of tokens that the operator issued, the default',
  };
}

/** Creates the rule of the sources that a delegation lists. */
export function admissionOf(sources: readonly PluginSource[]): AdmissionRule {
  const compiled = sources.map((source) => ({
    owners: ownersOf(source).map((pattern) => compilePattern(pattern)),
    names: source.names && new Set(source.names.map((name) => name.toLowerCase())),
  }));
  const admitsOwner = (owner: string, name: string) =>
    alwaysAdmitted.has(owner) ||
    compiled.some(({ owners, names }) => (!names || names.has(name)) && owners.some((pattern) => pattern.test(owner)));
  return {
    text: sources.map(describe).join('; ') || 'nobody',
    admits: ({ plugin, owners }) => owners.every((owner) => admitsOwner(owner, plugin.key)),
  };
}

function ownersOf({ namespace, serviceAccounts, identities }: PluginSource): string[] {
  if (identities) return [...identities];
  if (namespace === undefined) return ['*'];
  if (serviceAccounts) return serviceAccounts.map((name) => `serviceaccount:${namespace}/${name}`);
  return [`serviceaccount:${namespace}/*`, `declaration:${namespace}/*`];
}

/** Compiles a pattern in which `*` stands for any text. */
function compilePattern(pattern: string): RegExp {
  const escaped = pattern.split('*').map((text) => text.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 'su');
}

function describe({ namespace, serviceAccounts, identities, names }: PluginSource): string {
  const whose = identities
    ? `identities ${identities.join(', ')}`
    : namespace === undefined
      ? 'any identity'
      : `ServiceAccounts ${serviceAccounts ? `${serviceAccounts.join(', ')} ` : ''}of namespace ${namespace}`;
  return names ? `${whose}, as ${names.join(', ')}` : whose;
}
