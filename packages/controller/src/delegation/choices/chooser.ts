import type { AttachmentSource } from '../../attachments/attachment.ts';
import type { Registry } from '../../registry/registry.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import type { Suspensions } from '../../selection/select.ts';
import type { Breakers } from '../breakers/breakers.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { type Choice, choose } from './choose.ts';

/** Chooses plugins for the resources of one delegation, given the plugins that are registered and suspended now. */
export class Chooser {
  readonly #settings: DelegationSettings;
  readonly #registry: Registry;
  readonly #breakers: Breakers;
  readonly #attachments: AttachmentSource | undefined;

  constructor(
    settings: DelegationSettings,
    registry: Registry,
    breakers: Breakers,
    attachments: AttachmentSource | undefined,
  ) {
    this.#attachments = attachments;
    this.#settings = settings;
    this.#registry = registry;
    this.#breakers = breakers;
  }

  /** Chooses for a resource as for any other with the same basis. */
  choose(base: Resource): Choice {
    return this.#choose(base, this.#breakers.suspensions('Reconcile'));
  }

  /** Chooses for a pass over a resource, which may be the probe of a suspended plugin. */
  chooseForPass(base: Resource): Choice {
    return this.#choose(base, this.#breakers.suspensions('Reconcile', keyOf(base)));
  }

  #choose(base: Resource, suspensions: Suspensions | undefined): Choice {
    return choose(base, this.#settings, this.#registry, suspensions, this.#attachments);
  }
}
