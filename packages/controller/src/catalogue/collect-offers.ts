import type { DelegationSettings } from '../delegation/delegation-settings.ts';
import { visitAll } from '../queue/slices.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { ProvidedCapability } from '../registry/registration.ts';
import { isAccepted } from '../selection/select.ts';
import { entryNameOf } from './entry-name.ts';

/** One version of a plugin that provides a capability by one API. */
export interface Provider {
  /** Its implementations: instances that provide different versions are different ones. */
  readonly implementations: Set<Implementation>;
  /** Delegations that may choose it. */
  readonly delegations: Set<DelegationSettings>;
}

/** Capability that resources may ask for. */
export interface Offer {
  readonly category: string;
  readonly type: string;
  readonly providers: ReadonlyMap<string, Provider>;
}

/** Delegations, and the implementations of their APIs. */
export interface OfferSources {
  /** Namespace of the operator. */
  operator: string;
  delegations: Iterable<{ readonly settings: DelegationSettings }>;
  implementations: (api: string) => readonly Implementation[];
}

/**
 * Collects what resources of any delegation may ask for, by the name of its entry. What no delegation would choose isn't listed: a plugin
 * that is not admitted must not reach users by the catalogue.
 */
export async function collectOffers({
  operator,
  delegations,
  implementations,
}: OfferSources): Promise<Map<string, Offer>> {
  const offers = new Map<string, Offer & { providers: Map<string, Provider> }>();
  const add = (settings: DelegationSettings, implementation: Implementation, provided: ProvidedCapability) => {
    const { category, type } = provided;
    const name = entryNameOf({ category, type, operator });
    const offer = offers.get(name) ?? { category, type, providers: new Map<string, Provider>() };
    offers.set(name, offer);
    const { plugin, version, api } = implementation;
    const key = JSON.stringify([plugin.key, version, api.name, api.version.version]);
    const provider = offer.providers.get(key) ?? { implementations: new Set(), delegations: new Set() };
    offer.providers.set(key, provider);
    provider.implementations.add(implementation);
    provider.delegations.add(settings);
  };
  for (const { settings } of delegations) {
    if (!settings.capabilityPaths) continue;
    await visitAll(implementations(settings.api), (implementation) => {
      const { provides } = implementation.api;
      if (provides.length === 0 || !isAccepted(implementation, settings.rules)) return;
      for (const provided of provides) add(settings, implementation, provided);
    });
  }
  return offers;
}
