import { matchesPlugin } from '../authentication/plugin-pattern.ts';
import { PluginName } from '../names.ts';
import { type Identity, ownerOf } from '../registry/identity.ts';
import type { Registration } from '../registry/registration.ts';
import type { AdmissionRule, Applicant } from '../selection/admission.ts';
import type { HeartbeatSecurity } from './gate.ts';

/** Returns why an identity may not register a plugin; `undefined` if it may. */
export type Admission = (registration: Registration, identity: Identity) => string | undefined;

/** Delegation, or another use of a plugin API. */
export interface ApiUse {
  /** Name of the plugin API. */
  readonly api: string;
  readonly admission: AdmissionRule;
}

/** Rules of the admission of plugins. */
export interface AdmissionPolicy {
  security: HeartbeatSecurity;
  /** Rule for APIs that nothing uses yet. */
  fallback: AdmissionRule;
  /** Returns the uses of plugin APIs now. */
  uses(): Iterable<ApiUse>;
}

/**
 * Creates the check of registrations. An identity may register a plugin that a delegation of one of its APIs admits; each delegation then
 * chooses among those that it admits itself.
 */
export function admissionBy({ security, fallback, uses }: AdmissionPolicy): Admission {
  return (registration, identity) => {
    const { plugin, apis, certificate } = registration;
    if (security === 'secured' && identity.kind !== 'folder' && certificate === undefined) return noCertificate;
    // An attachment names its plugin, and serves its own resources only.
    if (identity.kind === 'attachment') return undefined;
    if (identity.kind === 'token' && !matchesPlugin(identity.plugins, plugin)) {
      return `the token "${identity.name}" is for ${identity.plugins.join(', ')}, not for ${plugin}; have another made by "kplug token create"`;
    }
    const applicant: Applicant = { plugin: new PluginName(plugin), owners: [ownerOf(identity)] };
    const names = new Set(apis.map(({ name }) => name));
    const rules = [...uses()].filter(({ api }) => names.has(api)).map(({ admission }) => admission);
    if (rules.length === 0) rules.push(fallback);
    if (rules.some((rule) => rule.admits(applicant))) return undefined;
    const admitted = [...new Set(rules.map(({ text }) => text))].join('; or ');
    return (
      `${applicant.owners[0]} may not be the plugin ${plugin}: the delegations of ${[...names].join(', ')} admit ${admitted}; ` +
      `to admit it, add ${sourceOf(identity)} to plugins.from of a delegation`
    );
  };
}

function sourceOf(identity: Identity): string {
  if (identity.kind !== 'serviceaccount') return `{ identities: ["${ownerOf(identity)}"] }`;
  return `{ namespace: ${identity.namespace}, serviceAccounts: [${identity.name}] }`;
}

const noCertificate =
  'the registration has no certificate, and this operator calls plugins by TLS only; use an SDK that sends one, or set KPLUG_TLS_CERT ' +
  'and KPLUG_TLS_KEY';
