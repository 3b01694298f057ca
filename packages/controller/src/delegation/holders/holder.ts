import { satisfies } from 'semver';
import { limits } from '../../limits/limits.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Registry } from '../../registry/registry.ts';
import type { PresentChoice } from '../../selection/candidate.ts';
import type { PluginPattern } from '../../selection/preference.ts';
import { type Suspensions, select } from '../../selection/select.ts';
import type { DelegationSettings } from '../delegation-settings.ts';

/** A plugin that reconciled a resource last, with the API through which it was called, as the status names them. */
export interface Holder extends PresentChoice {
  /** Name of the API; `undefined` when the status doesn't name it. */
  readonly api: string | undefined;
  readonly apiVersion: string | undefined;
}

/** Options of finding a holder. */
export interface HolderSearch {
  suspensions?: Suspensions | undefined;
  /** Attachment of the resource, whose plugin may hold it. Default: none. */
  attachment?: string | undefined;
}

/**
 * Finds a callable implementation of the plugin that holds a resource. The holder finalizes what it created, so the delegation's rules
 * for new choices (API, range, capabilities, preference, fallback) don't exclude it: they may have changed since it was chosen.
 *
 * Another version of the plugin takes its place if it implements a compatible version of the API. One that doesn't takes its place only
 * if the delegation accepts it, and no compatible version is registered any more. A version that is suspended is the last choice.
 */
export function findHolder(
  holder: Holder,
  settings: DelegationSettings,
  registry: Registry,
  { suspensions, attachment }: HolderSearch = {},
): Implementation | undefined {
  const registered = registeredOf(holder, settings, registry, attachment);
  const compatible = registered.filter((one) => isCompatible(one, holder, settings));
  if (compatible.length === 0) return findUpgrade(holder, settings, registry, suspensions);
  return compatible
    .filter(({ callable }) => callable.length > 0)
    .reduce<Implementation | undefined>(
      (best, one) => (best && compare(one, best, holder, suspensions) >= 0 ? best : one),
      undefined,
    );
}

/**
 * Returns all registered implementations of a holder's plugin that the delegation admits: of the API that it was called through, and of
 * the delegation's API. Those of the resource's attachment are among them.
 */
export function registeredOf(
  holder: Holder,
  { api, rules }: DelegationSettings,
  registry: Registry,
  attachment?: string,
): Implementation[] {
  return [...new Set([holder.api ?? api, api])].flatMap((name) => {
    const attached = attachment === undefined ? [] : registry.implementations(name, attachment);
    return [...registry.implementations(name).filter((one) => rules.admission.admits(one)), ...attached].filter((one) =>
      one.plugin.equals(holder.plugin),
    );
  });
}

function isCompatible({ version, api }: Implementation, holder: Holder, settings: DelegationSettings): boolean {
  if (version === holder.version) return true;
  if (api.name !== (holder.api ?? settings.api)) return false;
  if (holder.apiVersion === undefined) return true;
  // It is part of a status, which other clients may write.
  if (holder.apiVersion.length > maxPatternLength) return false;
  const { version: implemented } = api.version;
  return (
    satisfies(implemented, `^${holder.apiVersion}`, prereleases) ||
    satisfies(holder.apiVersion, `^${implemented}`, prereleases)
  );
}

const { maxPatternLength } = limits.selection;

const prereleases = { includePrerelease: true };

/** Orders implementations: one that isn't suspended, the same version of the plugin, of the API, the greatest weight, the newest version. */
function compare(a: Implementation, b: Implementation, holder: Holder, suspensions: Suspensions | undefined): number {
  const isSuspended = (one: Implementation) => Number(suspensions?.explain(one) !== undefined);
  const bySuspension = isSuspended(a) - isSuspended(b);
  const byVersion = Number(b.version === holder.version) - Number(a.version === holder.version);
  const byApi = Number(b.api.name === holder.api) - Number(a.api.name === holder.api);
  const byApiVersion =
    Number(b.api.version.version === holder.apiVersion) - Number(a.api.version.version === holder.apiVersion);
  return bySuspension || byVersion || byApi || byApiVersion || b.weight - a.weight || b.semver.compare(a.semver);
}

/** Finds the version of a holder's plugin that the delegation would choose now. */
function findUpgrade(
  holder: Holder,
  settings: DelegationSettings,
  registry: Registry,
  suspensions: Suspensions | undefined,
): Implementation | undefined {
  const preference: PluginPattern = { text: holder.plugin.text, name: holder.plugin, range: undefined };
  const rules = { ...settings.rules, mode: 'one', fallback: 'none' } as const;
  const { chosen } = select(registry.implementations(settings.api), rules, {
    preference,
    present: [holder],
    suspensions: suspensions && { ...suspensions, fallback: false },
  });
  return chosen[0];
}
