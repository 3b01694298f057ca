import type { Registry } from '../../registry/registry.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import type { Breakers } from '../breakers/breakers.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { type Choice, choose } from './choose.ts';

/** Chooses plugins for the resources of one delegation, given the plugins that are registered and suspended now. */
export class Chooser {
  readonly #settings: DelegationSettings;
  readonly #registry: Registry;
  readonly #breakers: Breakers;

  constructor(settings: DelegationSettings, registry: Registry, breakers: Breakers) {
    this.#settings = settings;
    this.#registry = registry;
    this.#breakers = breakers;
  }

  /** Chooses for a resource as for any other with the same basis. */
  choose(base: Resource): Choice {
    return choose(base, this.#settings, this.#registry, this.#breakers.suspensions('Reconcile'));
  }

  /** Chooses for a pass over a resource, which may be the probe of a suspended plugin. */
  chooseForPass(base: Resource): Choice {
    return choose(base, this.#settings, this.#registry, this.#breakers.suspensions('Reconcile', keyOf(base)));
  }
}
